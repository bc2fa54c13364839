// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/coding.h"
#include "base/hash.h"
#include "base/limits.h"
#include "engine/links/bundle_reader.h"
#include "engine/links/bundle_writer.h"
#include "engine/links/link_queue.h"
#include "tests/engine/links/random_messages.h"

namespace trident {
namespace {

constexpr Epoch kEpoch(7);
constexpr WorkerId kSender(3);
// The stages 1 and 2 have these tasks at the receiver, others have none.
const std::vector<uint32_t> kTasks = {0, 3, 4, 9, 200};
constexpr uint32_t kStages = 2;

std::span<const uint32_t> TasksHere(StageId stage) {
  if (stage.value() < 1 || stage.value() > kStages) return {};
  return kTasks;
}

BundleWriter NewWriter() { return BundleWriter(kEpoch, kSender, TasksHere); }

std::string BundleOf(const std::vector<MessageGroup>& groups) {
  BundleWriter writer = NewWriter();
  for (const MessageGroup& group : groups) {
    for (const DataMessage& message : group) EXPECT_TRUE(writer.TryAppend(message));
  }
  return writer.Finish().Joined();
}

StatusOr<Bundle> Parsed(std::string bytes) {
  auto kept = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view view = *kept;
  return Bundle::Parse(view, kept);
}

std::vector<std::string> MessagesOf(const Bundle& bundle) {
  std::vector<std::string> messages;
  bundle.ForEach(TasksHere,
                 [&](const DataMessage& message) { messages.push_back(Described(message)); });
  return messages;
}

std::vector<std::string> DescribedAll(const std::vector<MessageGroup>& groups) {
  std::vector<std::string> messages;
  for (const MessageGroup& group : groups) {
    for (const DataMessage& message : group) messages.push_back(Described(message));
  }
  return messages;
}

std::vector<MessageGroup> SomeGroups(uint64_t seed, size_t groups) {
  RandomMessages random(seed, kStages, kTasks);
  std::vector<MessageGroup> out;
  while (out.size() < groups) out.push_back(random.Next());
  return out;
}

size_t HeadBytes(const std::string& bundle) {
  ByteReader length(std::string_view(bundle).substr(bundle_format::kHeaderBytes - 4));
  return bundle_format::kHeaderBytes + length.Fixed32() + bundle_format::kChecksumBytes;
}

// The checksum made to hold again after a change, as a broken or hostile sender would.
std::string Sealed(std::string bundle) {
  const size_t hashed = HeadBytes(bundle) - bundle_format::kChecksumBytes;
  if (hashed + bundle_format::kChecksumBytes > bundle.size()) return bundle;
  std::string checksum;
  PutFixed64(checksum, HashBytes(std::string_view(bundle).substr(0, hashed)));
  return bundle.replace(hashed, checksum.size(), checksum);
}

TEST(BundleTest, RandomMessagesComeBackAsTheyWere) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<MessageGroup> groups = SomeGroups(seed, seed % 20);
    const StatusOr<Bundle> bundle = Parsed(BundleOf(groups));
    ASSERT_TRUE(bundle.ok()) << bundle.status();
    EXPECT_EQ(bundle->epoch(), kEpoch);
    EXPECT_EQ(bundle->from(), kSender);
    ASSERT_EQ(MessagesOf(*bundle), DescribedAll(groups));
  }
}

TEST(BundleTest, AFrameStandsOnceForAllItsTasks) {
  RandomMessages random(1, 1, kTasks);
  MessageGroup parts;
  while (parts.size() != kTasks.size()) parts = random.Frame(1000);
  const size_t frame = EncodedRows(std::get<DataFrame>(parts[0])).frame()->bytes().size();
  const std::string bundle = BundleOf({parts});
  EXPECT_LT(bundle.size(), frame + 200);
  // Parts of two frames in turn are not found to belong together.
  MessageGroup others;
  while (others.size() != kTasks.size()) others = random.Frame(1000);
  const MessageGroup mixed = {parts[0], others[0], parts[1]};
  EXPECT_GT(BundleOf({mixed}).size(), 3 * frame * 9 / 10);
  EXPECT_EQ(MessagesOf(*Parsed(BundleOf({mixed}))), DescribedAll({mixed}));
}

TEST(BundleTest, TasksThatGotNothingCostNothing) {
  std::vector<uint32_t> many(256);
  for (uint32_t i = 0; i < many.size(); ++i) many[i] = i;
  RandomMessages random(1, 1, many);
  MessageGroup ends = random.Ends();
  for (size_t i = 1; i < ends.size(); ++i) {
    std::get<EndMarker>(ends[i]).frames = 0;
    std::get<EndMarker>(ends[i]).checksum = 0;
  }
  BundleWriter writer(kEpoch, kSender, [&](StageId) { return std::span<const uint32_t>(many); });
  for (const DataMessage& end : ends) EXPECT_TRUE(writer.TryAppend(end));
  const std::string bytes = writer.Finish().Joined();
  EXPECT_LT(bytes.size(), 100u);
  std::vector<std::string> messages;
  Parsed(bytes)->ForEach([&](StageId) { return std::span<const uint32_t>(many); },
                         [&](const DataMessage& m) { messages.push_back(Described(m)); });
  EXPECT_EQ(messages, DescribedAll({ends}));
}

// Else a task whose marker comes later would take a made one for it, and lose its frames.
TEST(BundleTest, EndsOfSomeTasksSayNothingAboutTheOthers) {
  RandomMessages random(1, 1, kTasks);
  for (size_t left_out = 0; left_out < kTasks.size(); ++left_out) {
    MessageGroup ends = random.Ends();
    ends.erase(ends.begin() + static_cast<std::ptrdiff_t>(left_out));
    EXPECT_EQ(MessagesOf(*Parsed(BundleOf({ends}))), DescribedAll({ends}));
  }
  MessageGroup repeated = random.Ends();
  repeated.insert(repeated.begin() + 2, repeated[1]);
  EXPECT_EQ(MessagesOf(*Parsed(BundleOf({repeated}))), DescribedAll({repeated}));
}

TEST(BundleTest, AQueueFillsBundlesToTheirLimitAndKeepsTheOrder) {
  RandomMessages random(5, kStages, kTasks);
  LinkQueue queue(NewWriter());
  std::vector<MessageGroup> groups;
  for (int i = 0; i < 300; ++i) groups.push_back(i % 3 == 0 ? random.Ends() : random.Frame(400));
  groups.push_back(random.Frame(40'000));  // a bundle of its own
  groups.push_back(random.Frame(1));
  for (MessageGroup group : groups) queue.Add(group);
  const uint64_t all = queue.bytes();
  std::vector<std::string> messages;
  uint64_t frame_bytes = 0;
  uint64_t bundle_bytes = 0;
  size_t bundles = 0;
  while (!queue.empty()) {
    const BundleBytes bundle = queue.Next();
    EXPECT_EQ(bundle.Joined().size(), bundle.size());
    EXPECT_TRUE(bundle.size() < static_cast<size_t>(kBundleBytes) + 2000 ||
                bundle.frames.size() == 1);
    bundle_bytes += bundle.size();
    ++bundles;
    for (const auto& frame : bundle.frames) frame_bytes += frame->bytes().size();
    for (std::string& m : MessagesOf(*Parsed(bundle.Joined()))) messages.push_back(std::move(m));
  }
  EXPECT_EQ(messages, DescribedAll(groups));
  // All are full but the last one, and the one before the large frame.
  EXPECT_LE(bundles, bundle_bytes / static_cast<uint64_t>(kBundleBytes) + 3);
  EXPECT_GT(bundles, 5u);
  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_GT(all, frame_bytes);
  EXPECT_LT(all, frame_bytes + 300 * messages.size());
}

TEST(BundleTest, AFrameThatComesAgainCountsAgain) {
  RandomMessages random(1, 1, kTasks);
  MessageGroup parts;
  while (parts.empty()) parts = random.Frame(1000);
  LinkQueue queue(NewWriter());
  MessageGroup first = parts, second = parts;
  queue.Add(first);
  const uint64_t bytes = queue.bytes();
  queue.Next();
  queue.Add(second);
  EXPECT_EQ(queue.bytes(), bytes);
}

TEST(BundleTest, AQueueThatIsClearedHoldsNothing) {
  LinkQueue queue(NewWriter());
  for (MessageGroup group : SomeGroups(3, 20)) queue.Add(group);
  EXPECT_GT(queue.Clear(), 20u);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(BundleTest, EveryShorterOrLongerBundleIsRefused) {
  const std::string bundle = BundleOf(SomeGroups(11, 6));
  ASSERT_TRUE(Parsed(bundle).ok());
  for (size_t size = 0; size < bundle.size(); ++size) {
    ASSERT_EQ(Parsed(bundle.substr(0, size)).status().code(), StatusCode::kDataLoss) << size;
  }
  EXPECT_EQ(Parsed(bundle + '\0').status().code(), StatusCode::kDataLoss);
}

// By the reader, or, within the bytes of a frame, by its decoder.
TEST(BundleTest, EveryFlippedBitIsRefused) {
  const std::vector<MessageGroup> groups = SomeGroups(12, 5);
  const std::string bundle = BundleOf(groups);
  const size_t head = HeadBytes(bundle);
  size_t in_frames = 0;
  for (size_t bit = 0; bit < bundle.size() * 8; ++bit) {
    std::string flipped = bundle;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const StatusOr<Bundle> got = Parsed(flipped);
    if (!got.ok()) continue;
    ASSERT_GE(bit / 8, head) << "bit " << bit;
    ++in_frames;
    size_t refused = 0;
    for (const std::string& message : MessagesOf(*got)) {
      refused += message.find("DATA_LOSS") != std::string::npos ||
                         message.find("FAILED_PRECONDITION") != std::string::npos
                     ? 1
                     : 0;
    }
    ASSERT_GT(refused, 0u) << "bit " << bit;
  }
  EXPECT_GT(in_frames, 0u);
}

// With the checksum made right again, what is taken must at least be messages that can be read.
TEST(BundleTest, EverySealedChangedByteIsRefusedOrReadable) {
  const std::string bundle = BundleOf(SomeGroups(13, 4));
  size_t taken = 0;
  for (size_t at = 0; at < HeadBytes(bundle); ++at) {
    for (int value = 0; value < 256; value += at < 60 ? 1 : 7) {
      std::string changed = bundle;
      changed[at] = static_cast<char>(value);
      const StatusOr<Bundle> got = Parsed(Sealed(changed));
      if (!got.ok()) continue;
      ++taken;
      for (const std::string& message : MessagesOf(*got)) ASSERT_FALSE(message.empty());
    }
  }
  EXPECT_GT(taken, 1000u);
}

// Bytes cut out, put in and changed, at random places.
TEST(BundleTest, ManglesOfManySeedsAreRefusedOrReadable) {
  size_t taken = 0;
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    Rng rng(seed);
    std::string bytes = seed % 500 == 0 ? std::string() : BundleOf(SomeGroups(seed % 97, 4));
    for (uint64_t i = rng.Below(4) + 1; i > 0; --i) {
      const size_t at = rng.Below(std::min<size_t>(bytes.size(), 400) + 1);
      const size_t length = std::min<size_t>(rng.Below(9), bytes.size() - at);
      std::string put(rng.Chance(0.5) ? length : rng.Below(9), '\0');
      for (char& c : put) c = static_cast<char>(rng() >> rng.Below(64));
      bytes.replace(at, length, put);
    }
    if (bytes.size() > bundle_format::kHeaderBytes + bundle_format::kChecksumBytes) {
      bytes = Sealed(bytes);
    }
    const StatusOr<Bundle> got = Parsed(bytes);
    if (!got.ok()) {
      ASSERT_FALSE(Message(got.status()).empty());
      continue;
    }
    ++taken;
    for (const std::string& message : MessagesOf(*got)) ASSERT_FALSE(message.empty());
  }
  EXPECT_GT(taken, 100u);
}

TEST(BundleTest, RandomBytesAreRefused) {
  Rng rng(1);
  for (int round = 0; round < 10'000; ++round) {
    std::string bytes(rng.Below(200), '\0');
    for (char& c : bytes) c = static_cast<char>(rng());
    ASSERT_FALSE(Parsed(bytes).ok());
  }
}

// A bundle of these descriptions, sealed.
std::string Made(uint32_t entries, const std::string& descriptions, const std::string& frames) {
  std::string out;
  PutFixed32(out, bundle_format::kMagic);
  out.push_back(bundle_format::kVersion);
  PutFixed64(out, kEpoch.value());
  PutFixed32(out, kSender.value());
  PutFixed32(out, entries);
  PutFixed32(out, static_cast<uint32_t>(descriptions.size()));
  out += descriptions;
  PutFixed64(out, HashBytes(out));
  return out + frames;
}

std::string Varints(char kind, const std::vector<uint64_t>& values) {
  std::string out(1, kind);
  for (uint64_t value : values) PutVarint(out, value);
  return out;
}

TEST(BundleTest, ClaimsOfMoreThanThereIsAreRefused) {
  Rng rng(1);
  const std::string frame(EncodedFrame::Of(RandomRows(rng, 3))->bytes());
  const std::vector<uint64_t> head(9, 1);
  auto with = [&](std::vector<uint64_t> rest) {
    rest.insert(rest.begin(), head.begin(), head.end());
    return rest;
  };
  ASSERT_TRUE(Parsed(Made(0, "", "")).ok());
  ASSERT_TRUE(Parsed(Made(1, Varints(1, with({frame.size(), 1, 0, 0, 0, 3})), frame)).ok());
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  for (uint64_t more : {uint64_t{4}, uint64_t{1} << 31, uint64_t{1} << 40, kMost}) {
    SCOPED_TRACE(more);
    for (const std::string& bytes : {
             Made(static_cast<uint32_t>(std::min<uint64_t>(more, 0xffffffff)), "", ""),
             Made(1, Varints(1, with({more, 1, 0, 0, 0, 3})), frame),
             Made(1, Varints(1, with({frame.size(), more, 0, 0, 0, 3})), frame),
             Made(1, Varints(1, with({frame.size(), 1, 0, 0, more, 1})), frame),
             Made(1, Varints(1, with({frame.size(), 1, 0, 0, 1, more})), frame),
             Made(1, Varints(2, with({more})), ""),
             Made(1, Varints(3, with({more, 1})), ""),
         }) {
      const Status status = Parsed(bytes).status();
      EXPECT_EQ(status.code(), StatusCode::kDataLoss) << status;
    }
  }
}

TEST(BundleTest, AnErrorSaysWhichEntryIsWrong) {
  std::string good = Varints(2, std::vector<uint64_t>(9, 1)) + std::string(1, '\0');
  const std::string bad = Varints(9, std::vector<uint64_t>(10, 0));
  EXPECT_EQ(Message(Parsed(Made(2, good + bad, "")).status()),
            "a bundle of 55 bytes is damaged: entry 1 of 2: it is of an unknown kind; the link or "
            "its sender is at fault");
}

TEST(BundleTest, TasksThatDoNotAscendAreRefused) {
  for (const auto& [first, second] : {std::pair{4, 4}, {5, 4}, {4, 5}}) {
    std::string entry = Varints(3, std::vector<uint64_t>(9, 1));
    PutVarint(entry, 2);
    for (int task : {first, second}) {
      PutVarint(entry, static_cast<uint64_t>(task));
      PutVarint(entry, 1);
      PutFixed64(entry, 1);
    }
    EXPECT_EQ(Parsed(Made(1, entry, "")).ok(), first < second);
  }
}

TEST(BundleTest, ABundleOfAnotherVersionIsRefusedByName) {
  std::string bundle = BundleOf(SomeGroups(1, 2));
  bundle[4] = 2;
  EXPECT_EQ(Message(Parsed(Sealed(bundle)).status()),
            "a bundle has version 2, expected 1; run the same release everywhere");
}

}  // namespace
}  // namespace trident
