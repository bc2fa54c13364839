// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/control_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/rng.h"
#include "proto/control.pb.h"
#include "tests/coordinator/cluster/word_samples.h"

namespace trident {
namespace {

namespace wire = control::v1;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kSeeds = 300;

template <class Word>
std::string Encode(const std::vector<Word>& words) {
  std::string bytes;
  for (const Word& word : words) bytes += EncodeMessage(word);
  return bytes;
}

template <class Word>
std::vector<std::string> TextsOf(const std::vector<Word>& words) {
  std::vector<std::string> out;
  for (const Word& word : words) out.push_back(TextOf(word));
  return out;
}

// ---- round trips ----

TEST(ControlCodecTest, EveryWordToAWorkerComesBackFieldByField) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    for (const LeaderWord& word : AllLeaderWords(seed)) {
      const auto back = DecodeMessageToWorker(EncodeMessage(word));
      ASSERT_TRUE(back.ok()) << "seed " << seed << ": " << back.status();
      ASSERT_EQ(TextsOf(*back), std::vector{TextOf(word)}) << "seed " << seed;
    }
  }
}

TEST(ControlCodecTest, EveryWordToALeaderComesBackFieldByField) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    for (const WorkerWord& word : AllWorkerWords(seed)) {
      const auto back = DecodeMessageToLeader(EncodeMessage(word));
      ASSERT_TRUE(back.ok()) << "seed " << seed << ": " << back.status();
      ASSERT_EQ(TextsOf(back->words), std::vector{TextOf(word)}) << "seed " << seed;
      EXPECT_FALSE(back->hello.has_value());
    }
  }
}

TEST(ControlCodecTest, AHelloComesBackFieldByField) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const WorkerHello hello = AnyHello(seed);
    const auto back = DecodeMessageToLeader(EncodeMessage(hello));
    ASSERT_TRUE(back.ok()) << "seed " << seed << ": " << back.status();
    ASSERT_TRUE(back->hello.has_value());
    EXPECT_EQ(*back->hello, hello) << "seed " << seed;
    EXPECT_TRUE(back->words.empty());
  }
}

TEST(ControlCodecTest, MessagesOneBehindTheOtherAreOneMessageWithAllTheirWords) {
  const std::vector<LeaderWord> down = AllLeaderWords(1);
  const auto at_worker = DecodeMessageToWorker(Encode(down));
  ASSERT_TRUE(at_worker.ok()) << at_worker.status();
  EXPECT_EQ(TextsOf(*at_worker), TextsOf(down));

  const std::vector<WorkerWord> up = AllWorkerWords(2);
  const auto at_leader = DecodeMessageToLeader(EncodeMessage(AnyHello(3)) + Encode(up));
  ASSERT_TRUE(at_leader.ok()) << at_leader.status();
  EXPECT_EQ(TextsOf(at_leader->words), TextsOf(up));
  EXPECT_TRUE(at_leader->hello.has_value());
}

TEST(ControlCodecTest, AMessageWithoutWordsIsOne) {
  EXPECT_TRUE(DecodeMessageToWorker("").ok());
  EXPECT_TRUE(DecodeMessageToLeader("").ok());
}

TEST(ControlCodecTest, TheSeedsReachEveryTextAndEveryAbsence) {
  // What the round trips are worth: the same word differs from seed to seed in most of its fields.
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    for (const LeaderWord& word : AllLeaderWords(seed)) seen.insert(TextOf(word));
    for (const WorkerWord& word : AllWorkerWords(seed)) seen.insert(TextOf(word));
  }
  const size_t kinds = AllLeaderWords(0).size() + AllWorkerWords(0).size();
  EXPECT_EQ(kinds, 6U + 6U + 4U + 12U);
  EXPECT_GT(seen.size(), kinds * kSeeds * 3 / 4);
}

// ---- any bytes ----

// Decodes, and what comes of it survives another round.
bool DecodesToWhatEncodesAgain(const std::string& bytes) {
  bool any = false;
  if (const auto words = DecodeMessageToWorker(bytes); words.ok()) {
    any = true;
    const auto again = DecodeMessageToWorker(Encode(*words));
    EXPECT_TRUE(again.ok()) << again.status();
    if (again.ok()) {
      EXPECT_EQ(TextsOf(*again), TextsOf(*words));
    }
  }
  if (const auto message = DecodeMessageToLeader(bytes); message.ok()) {
    any = true;
    const auto again = DecodeMessageToLeader(Encode(message->words));
    EXPECT_TRUE(again.ok()) << again.status();
    if (again.ok()) {
      EXPECT_EQ(TextsOf(again->words), TextsOf(message->words));
    }
    if (message->hello) {
      const auto hello = DecodeMessageToLeader(EncodeMessage(*message->hello));
      EXPECT_TRUE(hello.ok() && hello->hello == message->hello);
    }
  }
  return any;
}

std::vector<std::string> Messages(uint64_t seed) {
  std::vector<std::string> out = {EncodeMessage(AnyHello(seed))};
  for (const LeaderWord& word : AllLeaderWords(seed)) out.push_back(EncodeMessage(word));
  for (const WorkerWord& word : AllWorkerWords(seed)) out.push_back(EncodeMessage(word));
  return out;
}

TEST(ControlCodecTest, TruncatedMessagesFailOrGiveWordsThatEncodeAgain) {
  int refused = 0;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    for (const std::string& whole : Messages(seed)) {
      for (size_t size = 0; size < whole.size(); ++size) {
        refused += DecodesToWhatEncodesAgain(whole.substr(0, size)) ? 0 : 1;
      }
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(ControlCodecTest, FlippedBitsFailOrGiveWordsThatEncodeAgain) {
  Rng rng(11);
  int refused = 0, taken = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    for (std::string bytes : Messages(seed)) {
      for (uint64_t flips = 1 + rng.Below(3); flips > 0; --flips) {
        bytes[rng.Below(bytes.size())] ^= static_cast<char>(1 << rng.Below(8));
      }
      (DecodesToWhatEncodesAgain(bytes) ? taken : refused) += 1;
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(taken, 100);
}

TEST(ControlCodecTest, RandomBytesFailOrGiveWordsThatEncodeAgain) {
  Rng rng(12);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    for (uint64_t n = rng.Below(64); n > 0; --n) {
      // Small ones more often: they are tags and lengths.
      bytes.push_back(static_cast<char>(rng.Chance(0.7) ? rng.Below(40) : rng()));
    }
    DecodesToWhatEncodesAgain(bytes);
  }
}

// ---- refusals ----

std::string RefusalOf(const StatusOr<std::vector<LeaderWord>>& decoded) {
  return decoded.status().ToString();
}
std::string RefusalOf(const StatusOr<MessageToLeader>& decoded) {
  return decoded.status().ToString();
}

// The refusal of a message whose second word is the one that `fill` makes, and the first one good.
template <class Fill>
std::string RefusedByWorker(Fill fill) {
  wire::ToWorker message;
  message.add_words()->set_epoch(1);
  message.mutable_words(0)->mutable_promise_asked();
  message.add_words()->set_epoch(1);
  fill(*message.mutable_words(1));
  return RefusalOf(DecodeMessageToWorker(message.SerializeAsString()));
}
template <class Fill>
std::string RefusedByLeader(Fill fill) {
  wire::ToLeader message;
  message.add_words()->set_epoch(1);
  message.mutable_words(0)->mutable_hold();
  message.add_words()->set_epoch(1);
  fill(*message.mutable_words(1));
  return RefusalOf(DecodeMessageToLeader(message.SerializeAsString()));
}

void SetBatch(wire::Batch* batch) {
  batch->set_txid(1);
  batch->set_epoch(1);
}

auto IsRefusal(const std::string& what) { return StartsWith("INVALID_ARGUMENT: word 1 (" + what); }

TEST(ControlCodecRefusalTest, BytesThatAreNoMessage) {
  for (const std::string& bytes : {std::string("\x0a\x05", 2), std::string("\x0b", 1),
                                   std::string("\x00\x00", 2), std::string(11, '\xff')}) {
    EXPECT_THAT(RefusalOf(DecodeMessageToWorker(bytes)),
                AllOf(StartsWith("INVALID_ARGUMENT: expected a message of the control stream"),
                      HasSubstr(std::to_string(bytes.size()) + " bytes that are none")));
    EXPECT_THAT(RefusalOf(DecodeMessageToLeader(bytes)), StartsWith("INVALID_ARGUMENT"));
  }
}

TEST(ControlCodecRefusalTest, AFieldOfAnotherWireType) {
  // `words` as a number instead of a message; and then a name as a number.
  EXPECT_TRUE(DecodeMessageToWorker(std::string("\x08\x01", 2)).ok()) << "as an unknown field";
  const std::string hello_with_number("\x0a\x04\x10\x01\x20\x07", 6);
  EXPECT_TRUE(DecodeMessageToLeader(hello_with_number).ok()) << "as an unknown field";
}

TEST(ControlCodecRefusalTest, AMessageThatIsTooLong) {
  const std::string bytes(kControlMessageBytesMax + 1, '\0');
  EXPECT_THAT(RefusalOf(DecodeMessageToWorker(bytes)),
              AllOf(StartsWith("INVALID_ARGUMENT: expected a message of at most 33554432 bytes"),
                    HasSubstr("found one of 33554433")));
}

TEST(ControlCodecRefusalTest, MorePartsThanAMessageMayHave) {
  const int64_t max = kControlItemsMax;
  // Words without content; partitions without a name; and fields that nobody knows.
  std::string words, partitions, unknown;
  for (int64_t i = 0; i <= max; ++i) words += std::string("\x0a\x00", 2);
  wire::ToWorker welcome;
  welcome.add_words()->set_epoch(1);
  auto* spout = welcome.mutable_words(0)->mutable_welcome()->add_spouts();
  for (int64_t i = 0; i < max; ++i) spout->add_partitions();
  partitions = welcome.SerializeAsString();
  for (int64_t i = 0; i <= max; ++i) unknown += std::string("\x78\x00", 2);
  for (const std::string& bytes : {words, partitions, unknown}) {
    EXPECT_THAT(RefusalOf(DecodeMessageToWorker(bytes)),
                StartsWith("INVALID_ARGUMENT: expected at most 1048576 parts in a message"));
  }
}

TEST(ControlCodecRefusalTest, AWordThatIsNoneOfOurs) {
  EXPECT_THAT(RefusedByWorker([](wire::LeaderWord&) {}),
              AllOf(IsRefusal("unknown)"), HasSubstr("expected a word that is known here")));
  EXPECT_THAT(RefusedByLeader([](wire::WorkerWord&) {}),
              AllOf(IsRefusal("unknown)"), HasSubstr("expected a word that is known here")));
}

TEST(ControlCodecRefusalTest, AWordOfNoEpoch) {
  const std::string expected = ": epoch: expected at least 1, found 0";
  EXPECT_THAT(RefusedByWorker([](wire::LeaderWord& word) {
                word.set_epoch(0);
                word.mutable_promise_asked();
              }),
              IsRefusal("promise_asked)" + expected));
  EXPECT_THAT(RefusedByLeader([](wire::WorkerWord& word) {
                word.set_epoch(0);
                word.mutable_hold();
              }),
              IsRefusal("hold)" + expected));
}

TEST(ControlCodecRefusalTest, AHelloOfNoLife) {
  wire::ToLeader message;
  message.mutable_hello()->set_worker(3);
  EXPECT_EQ(RefusalOf(DecodeMessageToLeader(message.SerializeAsString())),
            "INVALID_ARGUMENT: hello: incarnation: expected at least 1, found 0");
}

TEST(ControlCodecRefusalTest, AWordWithoutItsBatch) {
  const std::string expected = ": batch: expected a txid and attempt, found none";
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_begin(); }),
              IsRefusal("begin)" + expected));
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_emit(); }),
              IsRefusal("emit)" + expected));
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_permit(); }),
              IsRefusal("permit)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { word.mutable_emitted(); }),
              IsRefusal("emitted)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { word.mutable_failed(); }),
              IsRefusal("failed)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { word.mutable_voted(); }),
              IsRefusal("voted)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { word.mutable_voided(); }),
              IsRefusal("voided)" + expected));
}

TEST(ControlCodecRefusalTest, ABatchBeforeTheFirst) {
  const std::string expected = ": batch: expected a txid of at least 1, found 0";
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_apply(); }),
              IsRefusal("apply)" + expected));
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_publish(); }),
              IsRefusal("publish)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { word.mutable_progressed(); }),
              IsRefusal("progressed)" + expected));
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_permit()->mutable_batch(); }),
              IsRefusal("permit)" + expected));
}

TEST(ControlCodecRefusalTest, ABatchOfNoEpoch) {
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_apply()->set_txid(1); }),
              IsRefusal("apply): batch: expected an epoch of at least 1, found 0"));
}

TEST(ControlCodecRefusalTest, AWordWithoutItsLife) {
  const std::string expected = ": life: expected a worker and its incarnation, found none";
  EXPECT_THAT(RefusedByLeader([](auto& word) { word.mutable_promised(); }),
              IsRefusal("promised)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { word.mutable_refused(); }),
              IsRefusal("refused)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { word.mutable_joined(); }),
              IsRefusal("joined)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { word.mutable_applied(); }),
              IsRefusal("applied)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { SetBatch(word.mutable_voted()->mutable_batch()); }),
              IsRefusal("voted)" + expected));
  EXPECT_THAT(RefusedByLeader([](auto& word) { SetBatch(word.mutable_voided()->mutable_batch()); }),
              IsRefusal("voided)" + expected));
}

TEST(ControlCodecRefusalTest, AWordWithoutItsEmitter) {
  const std::string expected = ": emitter: expected a spout task and its incarnation, found none";
  EXPECT_THAT(RefusedByWorker([](auto& word) { SetBatch(word.mutable_emit()->mutable_batch()); }),
              IsRefusal("emit)" + expected));
  EXPECT_THAT(
      RefusedByLeader([](auto& word) { SetBatch(word.mutable_emitted()->mutable_batch()); }),
      IsRefusal("emitted)" + expected));
}

TEST(ControlCodecRefusalTest, AWayToEmitThatIsNone) {
  EXPECT_THAT(RefusedByWorker([](auto& word) {
                SetBatch(word.mutable_emit()->mutable_batch());
                word.mutable_emit()->mutable_emitter();
                word.mutable_emit()->set_mode(static_cast<wire::Emit::Mode>(4));
              }),
              IsRefusal("emit): mode: expected a number from 0 to 3, found 4"));
}

TEST(ControlCodecRefusalTest, NewRowsWithoutRoomForOne) {
  EXPECT_THAT(RefusedByWorker([](auto& word) {
                SetBatch(word.mutable_emit()->mutable_batch());
                word.mutable_emit()->mutable_emitter();
              }),
              IsRefusal("emit): rows_max: expected at least 1 for new rows, found 0"));
}

TEST(ControlCodecRefusalTest, ARemainderThatIsNone) {
  EXPECT_THAT(RefusedByLeader([](auto& word) {
                SetBatch(word.mutable_emitted()->mutable_batch());
                word.mutable_emitted()->mutable_emitter();
                word.mutable_emitted()->set_remaining(static_cast<wire::Emitted::Remaining>(-1));
              }),
              IsRefusal("emitted): remaining: expected a number from 0 to 1, found -1"));
}

TEST(ControlCodecRefusalTest, AFailureWithTheCodeOfNoError) {
  for (const uint32_t code : {0U, 17U, ~0U}) {
    EXPECT_THAT(RefusedByLeader([&](auto& word) {
                  SetBatch(word.mutable_failed()->mutable_batch());
                  word.mutable_failed()->set_code(code);
                }),
                IsRefusal("failed): code: expected the code of an error, from 1 to 16, found " +
                          std::to_string(code)));
  }
}

TEST(ControlCodecRefusalTest, AFarewellThatIsNone) {
  EXPECT_THAT(RefusedByWorker([](wire::LeaderWord& word) {
                word.set_epoch(1);
                word.set_farewell(false);
              }),
              IsRefusal("farewell): expected a farewell that is true"));
}

TEST(ControlCodecRefusalTest, AnAbortOfNothing) {
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_abort(); }),
              IsRefusal("abort): cancelled: expected at least one batch, found none"));
}

TEST(ControlCodecRefusalTest, AnAbortOutOfOrder) {
  EXPECT_THAT(RefusedByWorker([](auto& word) {
                SetBatch(word.mutable_abort()->add_cancelled());
                SetBatch(word.mutable_abort()->add_cancelled());
              }),
              IsRefusal("abort): cancelled: expected batches in txid order, found 1 after 1"));
}

TEST(ControlCodecRefusalTest, AnAbortOfABatchBeforeTheFirst) {
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_abort()->add_cancelled(); }),
              IsRefusal("abort): batch: expected a txid of at least 1, found 0"));
}

TEST(ControlCodecRefusalTest, ARecordOfNoBatch) {
  EXPECT_THAT(RefusedByLeader([](auto& word) {
                word.mutable_promised()->mutable_life();
                word.mutable_promised()->add_groups();
                word.mutable_promised()->add_groups()->add_records();
              }),
              IsRefusal("promised): groups[1]: records[0]: txid: expected at least 1, found 0"));
}

TEST(ControlCodecRefusalTest, ARecordOfNoAttempt) {
  EXPECT_THAT(
      RefusedByLeader([](auto& word) {
        word.mutable_promised()->mutable_life();
        word.mutable_promised()->add_groups()->add_records()->set_txid(1);
      }),
      IsRefusal("promised): groups[0]: records[0]: attempt: expected a number, found none"));
}

TEST(ControlCodecRefusalTest, ALoggedCutOfNoBatch) {
  const std::string expected = "log: cuts[0]: expected a txid of at least 1, found 0";
  EXPECT_THAT(RefusedByLeader([](auto& word) {
                word.mutable_promised()->mutable_life();
                word.mutable_promised()->add_groups()->mutable_log()->add_cuts();
              }),
              IsRefusal("promised): groups[0]: " + expected));
  EXPECT_THAT(RefusedByWorker([](auto& word) {
                word.mutable_write_log()->add_groups()->mutable_log()->add_cuts();
              }),
              IsRefusal("write_log): groups[0]: " + expected));
}

TEST(ControlCodecRefusalTest, ALogThatIsNotThere) {
  EXPECT_THAT(RefusedByWorker([](auto& word) { word.mutable_write_log()->add_groups(); }),
              IsRefusal("write_log): groups[0]: log: expected a log, found none"));
}

// ---- what only a bug sends ----

TEST(ControlCodecDeathTest, AWordAboutABatchOfAnotherGroupIsABug) {
  const GroupWordToWorker word{Epoch(1), GroupId(1), word::Apply{{GroupId(2), TxId(1), {}}}};
  EXPECT_DEATH(EncodeMessage(LeaderWord(word)), "of another group");
}

TEST(ControlCodecDeathTest, AWordOfNoEpochIsABug) {
  EXPECT_DEATH(EncodeMessage(LeaderWord(word::PromiseAsked{})), "a word of no epoch");
}

}  // namespace
}  // namespace trident
