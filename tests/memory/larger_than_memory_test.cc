// SPDX-License-Identifier: Apache-2.0
//
// 20 million keys, and texts of 10 KB, under budgets that hold a part of them: the right values, in
// the memory that was promised.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/codec.h"
#include "base/coding.h"
#include "base/limits.h"
#include "tests/support/temp_dir.h"
#include "trident/functions/aggregators.h"
#include "trident/partition_persist.h"
#include "trident/run/run.h"
#include "trident/spouts/generator_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr uint64_t kKeys = 20'000'000;
constexpr uint64_t kMemoryBytes = 256 * kMiB;
constexpr size_t kKeyBytes = 16;
constexpr Field<Text> kKey{"key"};
constexpr Field<int64_t> kCount{"count"};

// ---- which key the n-th row has, and what follows from it ----

// Every number once, in an order without meaning.
constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;
constexpr uint64_t Scatter(uint64_t n) {
  n = (n ^ (n >> 32)) * kMultiplier;
  return n ^ (n >> 32);
}
constexpr uint64_t InverseOf(uint64_t odd) {
  uint64_t inverse = odd;  // right in 3 bits; each round doubles them
  for (int round = 0; round < 5; ++round) inverse *= 2 - odd * inverse;
  return inverse;
}
constexpr uint64_t Gather(uint64_t key) {
  key = (key ^ (key >> 32)) * InverseOf(kMultiplier);
  return key ^ (key >> 32);
}
static_assert(Gather(Scatter(19'999'999)) == 19'999'999);

// The first rows name every key once, those behind them every fifth key, in steps that jump about.
uint64_t KeyOfRow(uint64_t row) {
  if (row < kKeys) return row;
  constexpr uint64_t kFifth = kKeys / 5;
  constexpr uint64_t kStep = 1'234'577;  // a prime that divides no count of keys here
  return (row - kKeys) * kStep % kFifth * 5;
}
constexpr uint64_t kRows = kKeys + kKeys / 5;
int64_t CountOfKey(uint64_t n) { return n % 5 == 0 ? 2 : 1; }

void WriteHex(uint64_t number, char* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int i = kKeyBytes - 1; i >= 0; --i, number >>= 4) out[i] = kDigits[number & 15];
}

GeneratedSlice MakeKeys(const SchemaRef& schema, const GeneratedRange& range) {
  auto letters = std::make_shared<std::string>(range.rows * kKeyBytes, '\0');
  auto column = std::make_shared<ColumnOf<Text>>();
  Text* to = column->mutable_values().Extend(range.rows);
  for (uint64_t i = 0; i < range.rows; ++i) {
    char* key = letters->data() + i * kKeyBytes;
    WriteHex(Scatter(KeyOfRow(range.first + i)), key);
    *to++ = Text(key, kKeyBytes);
  }
  const uint64_t bytes = letters->size();
  column->Retain(std::move(letters));
  return {Slice(schema, {std::move(column)}, range.rows), bytes};
}

Topology KeyCount() {
  auto schema = std::make_shared<const Schema>(*Schema::Make({kKey.Describe()}));
  auto spout = *GeneratorSpout::Make(
      schema, {.rows_per_partition = kRows, .name = "keys"},
      [schema](const GeneratedRange& range) { return MakeKeys(schema, range); });
  Topology topology("larger-than-memory");
  topology.NewStream("keys", std::move(spout))
      .GroupBy(kKey)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  return topology;
}

// ---- what it took ----

// A line of /proc/self/status, in bytes.
uint64_t Kernel(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1)) * kKiB;
  }
  return ~uint64_t{0};
}

std::string MiB(uint64_t bytes) { return Concat(bytes / kMiB, " MiB"); }

// Every key is there once, with its count; no other is.
void CheckAllCounts(const Run& run) {
  auto state = run.states().Find("counts");
  ASSERT_TRUE(state.ok()) << state.status();
  const TxId at = run.states().Published(GroupId(1));
  KeyRange rest = KeyRange::All();
  std::string last;
  for (uint64_t keys = 0;;) {
    auto page = (*state)->Scan(at, rest, {.rows = kScanPageRowsMax});
    ASSERT_TRUE(page.ok()) << page.status();
    for (const StateRow& row : page->rows) {
      ASSERT_EQ(row.key.size(), kKeyBytes);
      ASSERT_LT(last, row.key) << "in key order, none twice";
      last = row.key;
      const uint64_t n = Gather(std::stoull(row.key, nullptr, 16));
      ByteReader value(row.value);
      ASSERT_LT(n, kKeys) << row.key << " was never sent";
      ASSERT_EQ(Codec<int64_t>::Decode(value), CountOfKey(n)) << row.key;
    }
    keys += page->rows.size();
    if (!page->resume) {
      EXPECT_EQ(keys, kKeys);
      return;
    }
    rest.begin = *page->resume;
  }
}

// ---- texts ----

constexpr uint64_t kTexts = 20'000;
constexpr size_t kTextBytes = 10'000;
constexpr uint64_t kTextsMemoryBytes = 64 * kMiB;

std::string TextOfKey(std::string_view key) {
  std::string text(kTextBytes, key.back());
  return text.replace(0, key.size(), key);
}

constexpr Field<Text> kText{"text"};

Topology Texts() {
  auto keys_only = std::make_shared<const Schema>(*Schema::Make({kKey.Describe()}));
  auto schema = std::make_shared<const Schema>(*Schema::Make({kKey.Describe(), kText.Describe()}));
  auto spout = *GeneratorSpout::Make(
      schema, {.rows_per_partition = kTexts, .name = "keys"},
      [schema, keys_only](const GeneratedRange& range) -> GeneratedSlice {
        const GeneratedSlice keys = MakeKeys(keys_only, range);
        auto letters = std::make_shared<std::vector<std::string>>();
        auto texts = std::make_shared<ColumnOf<Text>>();
        const auto& named = static_cast<const ColumnOf<Text>&>(keys.slice.column(0)).values();
        for (uint64_t i = 0; i < range.rows; ++i) letters->push_back(TextOfKey(named[i]));
        for (const std::string& text : *letters) texts->Append(text);
        texts->Retain(std::move(letters));
        return {Slice(schema, {keys.slice.column_ref(0), std::move(texts)}, range.rows),
                keys.bytes + range.rows * kTextBytes};
      });
  Topology topology("texts-larger-than-memory");
  topology.NewStream("keys", std::move(spout))
      .GroupBy(kKey)
      .PartitionPersist({.name = "texts"}, Fields(kText),
                        [](MapAccess<std::string>& texts, const PersistRows<Text>& rows) -> Status {
                          for (size_t i = 0; i < rows.size(); ++i) {
                            const std::string_view key = rows.key(i);
                            const std::string text(std::get<0>(rows[i]));
                            TRIDENT_RETURN_IF_ERROR(texts.MultiPut({&key, 1}, {&text, 1}));
                          }
                          return absl::OkStatus();
                        });
  return topology;
}

// The longest time that a page took.
Nanos CheckAllTexts(const Run& run) {
  auto state = run.states().Find("texts");
  EXPECT_TRUE(state.ok()) << state.status();
  const TxId at = run.states().Published(GroupId(1));
  KeyRange rest = KeyRange::All();
  Nanos longest = 0;
  for (uint64_t keys = 0;;) {
    const Nanos begin = RealClock().MonotonicNanos();
    auto page = (*state)->Scan(at, rest, {.rows = 1'000, .bytes = kMiB});
    longest = std::max(longest, RealClock().MonotonicNanos() - begin);
    if (!page.ok()) ADD_FAILURE() << page.status();
    if (!page.ok()) return longest;
    for (const StateRow& row : page->rows) {
      ByteReader value(row.value);
      if (Codec<std::string>::Decode(value) != TextOfKey(row.key)) ADD_FAILURE() << row.key;
    }
    keys += page->rows.size();
    if (!page->resume) {
      EXPECT_EQ(keys, kTexts);
      return longest;
    }
    rest.begin = *page->resume;
  }
}

// First: the peak of the process is that of all tests so far.
TEST(LargerThanMemoryTest, TextsThatAreThreeTimesTheSmallestBudgetStayInIt) {
  const TempDir dir;
  auto run = Run::Start(Texts(), {.state_dir = dir.path() + "/state",
                                  .executors = 2,
                                  .memory_bytes = kTextsMemoryBytes,
                                  .sync = CommitSync::kNone});
  ASSERT_TRUE(run.ok()) << run.status();
  const Nanos started = RealClock().MonotonicNanos();
  const Status ended = (*run)->AwaitEnd();
  ASSERT_TRUE(ended.ok()) << ended;
  const Nanos written = RealClock().MonotonicNanos();
  const uint64_t after_writing = Kernel("VmHWM");
  const Nanos longest = CheckAllTexts(**run);
  const Nanos read = RealClock().MonotonicNanos();
  run->reset();
  const uint64_t peak = Kernel("VmHWM");
  const uint64_t bound = kTextsMemoryBytes * 5 / 4 + kMemoryBytesBesideBudget;
  std::printf(
      "note: %llu texts of %zu bytes under %s: at most %s resident (%s without the scan), %s "
      "allowed; written in %.1f s, read in %.1f s, a page in %.3f s at most\n",
      static_cast<unsigned long long>(kTexts), kTextBytes, MiB(kTextsMemoryBytes).c_str(),
      MiB(peak).c_str(), MiB(after_writing).c_str(), MiB(bound).c_str(),
      static_cast<double>(written - started) / kSecond,
      static_cast<double>(read - written) / kSecond, static_cast<double>(longest) / kSecond);
  EXPECT_LT(peak, bound);
}

TEST(LargerThanMemoryTest, CountsAreRightAndMemoryStaysInItsBounds) {
  const TempDir dir;
  const uint64_t before = Kernel("VmHWM");
  auto run = Run::Start(KeyCount(), {.state_dir = dir.path() + "/state",
                                     .executors = 2,
                                     .memory_bytes = kMemoryBytes,
                                     .sync = CommitSync::kNone});
  ASSERT_TRUE(run.ok()) << run.status();
  const Nanos started = RealClock().MonotonicNanos();
  const Status ended = (*run)->AwaitEnd();
  ASSERT_TRUE(ended.ok()) << ended;
  const Nanos counted = RealClock().MonotonicNanos();
  const uint64_t after_counting = Kernel("VmHWM");
  CheckAllCounts(**run);
  const Nanos read = RealClock().MonotonicNanos();
  run->reset();

  const uint64_t peak = Kernel("VmHWM");
  const uint64_t bound = kMemoryBytes * 5 / 4 + kMemoryBytesBesideBudget;
  std::printf(
      "note: %llu keys under %s: at most %s resident (%s before, %s without the scan), "
      "%s allowed; counted in %.1f s, read in %.1f s\n",
      static_cast<unsigned long long>(kKeys), MiB(kMemoryBytes).c_str(), MiB(peak).c_str(),
      MiB(before).c_str(), MiB(after_counting).c_str(), MiB(bound).c_str(),
      static_cast<double>(counted - started) / kSecond,
      static_cast<double>(read - counted) / kSecond);
  EXPECT_LT(peak, bound);
}

}  // namespace
}  // namespace trident
