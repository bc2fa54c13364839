// SPDX-License-Identifier: Apache-2.0
//
// A batch may be cut anywhere, in any slices, and be made again with other limits: whatever a spout
// is asked, it gives exactly its rows, in order.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "tests/trident/spouts/encoded_files.h"
#include "tests/trident/spouts/memory_log.h"
#include "tests/trident/spouts/reading.h"
#include "tests/trident/spouts/text_files.h"
#include "trident/spouts/feeder_spout.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/spouts/generator_spout.h"
#include "trident/spouts/log_spout.h"
#include "trident/spouts/pull_spout.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;
constexpr Field<Text> kText{"text"};

// Rows that are all different, of many sizes.
std::vector<std::string> RandomRows(Rng& rng) {
  std::vector<std::string> rows(1 + rng.Below(300));
  const uint64_t longest = rng.Chance(0.3) ? 1 : 1 + rng.Below(60);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i] = std::to_string(i) + std::string(rng.Below(longest), 'x');
  }
  return rows;
}
std::vector<OwnedRow<Text>> AsOwned(const std::vector<std::string>& texts) {
  std::vector<OwnedRow<Text>> rows;
  for (const std::string& text : texts) rows.emplace_back(text);
  return rows;
}

// A spout with one source partition that holds `rows`.
struct Filled {
  std::shared_ptr<Spout> spout;
  std::string partition;
  bool reopens = true;                 // another reader can go back too
  std::function<void()> more = [] {};  // brings some more of the rows, if they do not all wait
};
using Fill = std::function<Filled(const std::vector<std::string>& rows, Rng& rng)>;

Filled Feeder(const std::vector<std::string>& rows, Rng& rng) {
  auto feeder = *FeederSpout<Text>::Make(Fields(kText));
  auto appended = std::make_shared<size_t>(0);
  auto append = [feeder, appended, rows, &rng] {
    for (uint64_t chunks = 1 + rng.Below(4); chunks > 0; --chunks) {
      const size_t n = std::min<size_t>(1 + rng.Below(50), rows.size() - *appended);
      if (n == 0) return feeder->Finish();
      const auto from = rows.begin() + static_cast<std::ptrdiff_t>(*appended);
      const std::vector<std::string> chunk(from, from + static_cast<std::ptrdiff_t>(n));
      ASSERT_TRUE(feeder->Append(AsOwned(chunk)).ok());
      *appended += n;
    }
  };
  append();
  return {feeder, "feed", true, append};
}
Filled FixedBatch(const std::vector<std::string>& rows, Rng& rng) {
  return {*FixedBatchSpout::Make(Fields(kText), {.batch_rows = 1 + rng.Below(100)}, AsOwned(rows)),
          "rows"};
}
Filled Generator(const std::vector<std::string>& rows, Rng&) {
  return {*GeneratorSpout::Make(
              Fields(kText), {.rows_per_partition = rows.size()},
              [rows](const GeneratedRow& row, Emit<Text>& emit) { emit(rows.at(row.index)); }),
          "0"};
}
Filled Log(const std::vector<std::string>& rows, Rng& rng) {
  auto log = std::make_shared<MemoryLog>();
  for (const std::string& row : rows) {
    if (rng.Chance(0.1)) log->Append("p", {""});
    const bool cut = rng.Chance(0.05);
    log->Append("p", {row, cut ? MemoryLog::Record::Then::kCut : MemoryLog::Record::Then::kGoOn});
  }
  log->Finish();
  return {*LogSpout::Make(Fields(kText), {}, std::make_shared<MemoryLogSource>(log)), "p"};
}
Filled Pull(const std::vector<std::string>& rows, Rng& rng) {
  auto at = std::make_shared<size_t>(0);
  return {*PullSpout::Make(Fields(kText), {},
                           [rows, at, &rng](Emit<Text>& emit) {
                             for (uint64_t n = 1 + rng.Below(20); n > 0; --n) {
                               if (*at == rows.size()) return Pulled::kEnd;
                               emit(rows[(*at)++]);
                             }
                             return rng.Chance(0.2) ? Pulled::kNothingNow : Pulled::kMore;
                           }),
          "pull", false};
}
Filled Pipe(const std::vector<std::string>& rows, Rng& rng,
            const std::function<std::string(const std::string&)>& encode) {
  auto dir = std::make_shared<TempDir>();
  std::string content;
  for (const std::string& row : rows) content += row + (rng.Chance(0.1) ? "\r\n" : "\n");
  const std::string path = dir->File("pipe"), bytes = encode(content);
  EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
  // Open in both directions, so that neither side waits for the other.
  auto writer = std::make_shared<int>(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  auto written = std::make_shared<size_t>(0);
  auto more = [dir, writer, written, bytes, &rng] {
    if (*writer < 0) return;
    const size_t piece = std::min<size_t>(1 + rng.Below(3000), bytes.size() - *written);
    const ssize_t n = ::write(*writer, bytes.data() + *written, piece);
    *written += n < 0 ? 0 : static_cast<size_t>(n);
    if (*written == bytes.size()) ::close(std::exchange(*writer, -1));
  };
  return {*TextPipeSpout::Make({.path = path, .read_bytes = 1 + rng.Below(300)}), "pipe", false,
          more};
}
Filled PlainPipe(const std::vector<std::string>& rows, Rng& rng) {
  return Pipe(rows, rng, [](const std::string& text) { return text; });
}
Filled GzipPipe(const std::vector<std::string>& rows, Rng& rng) {
  return Pipe(rows, rng, [&rng](const std::string& text) { return InParts(Gzip, text, rng); });
}
Filled Utf16Pipe(const std::vector<std::string>& rows, Rng& rng) {
  return Pipe(rows, rng, [](const std::string& text) { return Utf16(text, Utf16Order::kBig); });
}
Filled File(const std::vector<std::string>& rows, Rng& rng,
            const std::function<std::string(const std::string&)>& encode) {
  auto dir = std::make_shared<TempDir>();
  std::string content;
  for (const std::string& row : rows) content += row + (rng.Chance(0.1) ? "\r\n" : "\n");
  const std::string path = dir->Write("rows.txt", encode(content));
  auto spout = SpoutOf({.paths = {path}, .splits = {.readers = 1}, .read_bytes = 64});
  const std::string partition = spout->Partitions().value().at(0);
  return {spout, partition, true, [dir] {}};
}
Filled TextFile(const std::vector<std::string>& rows, Rng& rng) {
  return File(rows, rng, [](const std::string& text) { return text; });
}
Filled GzipFile(const std::vector<std::string>& rows, Rng& rng) {
  return File(rows, rng, [&rng](const std::string& text) { return InParts(Gzip, text, rng); });
}
Filled ZstdFile(const std::vector<std::string>& rows, Rng& rng) {
  return File(rows, rng, [&rng](const std::string& text) { return InParts(Zstd, text, rng); });
}

Filled Utf16File(const std::vector<std::string>& rows, Rng& rng) {
  return File(rows, rng, [](const std::string& text) { return Utf16(text, Utf16Order::kBig); });
}

// What one attempt took.
struct Taken {
  std::vector<std::string> rows;
  Position end;
  Next next = Next::kMore;
};

class EveryCut {
 public:
  EveryCut(Filled filled, Rng& rng)
      : filled_(std::move(filled)),
        rng_(rng),
        reader_(OpenReader(*filled_.spout, filled_.partition)) {}

  // All rows, as batches take them that are cut, fail and are made again.
  std::vector<std::string> Run() {
    std::vector<std::string> committed;
    Position at;
    for (uint64_t txid = 1; !::testing::Test::HasFailure(); ++txid) {
      BatchLimits limits{1 + rng_.Below(120), 1 + rng_.Below(600)};
      Taken taken = Attempt(at, limits);
      // Attempts that fail are made again with half of the rows that they had, and of the bytes.
      // One that found nothing may find something the next time.
      while (!taken.rows.empty() && rng_.Chance(0.3)) {
        if (filled_.reopens && rng_.Chance(0.3))
          reader_ = OpenReader(*filled_.spout, filled_.partition);
        limits = {std::max<uint64_t>(taken.rows.size() / 2, 1),
                  std::max<uint64_t>(limits.bytes / 2, 1)};
        const Taken half = Attempt(at, limits);
        ExpectIsPrefix(half, taken);
        taken = half;
      }
      ExpectTheSameAgain(at, taken);
      committed.insert(committed.end(), taken.rows.begin(), taken.rows.end());
      at = taken.end;
      reader_->Committed(TxId(txid), at);
      if (taken.next == Next::kEnded) break;
      filled_.more();
    }
    return committed;
  }

 private:
  // Slices of any limits, up to those of the batch.
  Taken Attempt(const Position& from, BatchLimits left) {
    Taken taken{{}, from};
    while (left.rows > 0 && left.bytes > 0) {
      const BatchLimits slice{std::min(left.rows, 1 + rng_.Below(64)),
                              std::min(left.bytes, 1 + rng_.Below(300))};
      const ReadRows read = ReadOnce(*reader_, taken.end, slice);
      EXPECT_TRUE(read.status.ok()) << read.status;
      if (!read.status.ok()) break;
      EXPECT_LE(read.rows.size(), slice.rows);
      taken.rows.insert(taken.rows.end(), read.rows.begin(), read.rows.end());
      taken.end = read.result.end;
      taken.next = read.result.next;
      left.rows -= std::min<uint64_t>(left.rows, read.rows.size());
      left.bytes -= std::min(left.bytes, read.result.bytes);
      if (taken.next != Next::kMore) break;
    }
    return taken;
  }
  void ExpectTheSameAgain(const Position& from, const Taken& taken) {
    std::vector<std::string> rows;
    for (Position at = from; at != taken.end;) {
      const BatchLimits slice{1 + rng_.Below(64), 1 + rng_.Below(300)};
      const ReadRows read = ReadOnce(*reader_, at, slice, &taken.end);
      ASSERT_TRUE(read.status.ok()) << read.status;
      ASSERT_NE(read.result.end, at) << "an exact range does not go on";
      rows.insert(rows.end(), read.rows.begin(), read.rows.end());
      at = read.result.end;
    }
    EXPECT_EQ(rows, taken.rows);
  }
  static void ExpectIsPrefix(const Taken& half, const Taken& whole) {
    ASSERT_LE(half.rows.size(), whole.rows.size());
    EXPECT_TRUE(std::equal(half.rows.begin(), half.rows.end(), whole.rows.begin()));
  }

  const Filled filled_;
  Rng& rng_;
  std::unique_ptr<SourceReader> reader_;
};

struct Named {
  const char* name;
  Fill fill;
};
class EveryCutTest : public ::testing::TestWithParam<Named> {};

TEST_P(EveryCutTest, GivesExactlyTheRowsInOrder) {
  for (uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const std::vector<std::string> rows = RandomRows(rng);
    EXPECT_EQ(EveryCut(GetParam().fill(rows, rng), rng).Run(), rows);
  }
}

// `batch_bytes` is kept by spouts that have no sizes of their own, too.
TEST_P(EveryCutTest, ASliceKeepsItsBytesUnlessOneRowIsLarger) {
  Rng rng(7);
  const std::vector<std::string> rows(40, std::string(100, 'r'));
  const Filled filled = GetParam().fill(rows, rng);
  const auto reader = OpenReader(*filled.spout, filled.partition);
  for (int i = 0; i < 100; ++i) filled.more();
  Position at = ReadOnce(*reader, "", {1, 1}).result.end;  // a generator learns the size of a row
  const ReadRows few = ReadOnce(*reader, at, {40, 350});
  EXPECT_LE(few.rows.size(), 4u);
  EXPECT_GE(few.rows.size(), 1u);
  const ReadRows one = ReadOnce(*reader, few.result.end, {40, 1});
  EXPECT_LE(one.rows.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Spouts, EveryCutTest,
                         ::testing::Values(Named{"Feeder", Feeder}, Named{"FixedBatch", FixedBatch},
                                           Named{"Generator", Generator}, Named{"Log", Log},
                                           Named{"Pull", Pull}, Named{"TextFile", TextFile},
                                           Named{"GzipFile", GzipFile}, Named{"ZstdFile", ZstdFile},
                                           Named{"Utf16File", Utf16File}, Named{"Pipe", PlainPipe},
                                           Named{"GzipPipe", GzipPipe},
                                           Named{"Utf16Pipe", Utf16Pipe}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace trident::testing
