// SPDX-License-Identifier: Apache-2.0
//
// Threads that read while executors stage, the coordinator decides and folds move what they read.
// What a txid holds is known from how many rows it has: the source has one partition and row i is
// of user i % kUsers. The simulation checks the same in one thread; here the threads are real, so
// that the thread sanitizer sees the locks of all parts at work.
#include <algorithm>
#include <atomic>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/key_encoding.h"
#include "base/limits.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/run/words.h"
#include "trident/spouts/generator_spout.h"

namespace trident {
namespace {

constexpr Field<int64_t> kUser{"user"};
constexpr int64_t kUsers = 40;
constexpr uint64_t kBatchRows = 3;
// Enough commits that a fold is due while others go on.
constexpr uint64_t kRows = kBatchRows * (kFoldCommitsDefault + 500);

std::string KeyOf(int64_t user) {
  std::string key;
  AppendKeyInt64(key, user);
  return key;
}

// Of a user among the first `rows` rows; 0: the state does not have it.
int64_t CountOf(int64_t user, int64_t rows) {
  return rows / kUsers + (user < rows % kUsers ? 1 : 0);
}
WordCounts CountsOf(int64_t rows) {
  WordCounts counts;
  for (int64_t user = 0; user < std::min(kUsers, rows); ++user) {
    counts[KeyOf(user)] = CountOf(user, rows);
  }
  return counts;
}

int64_t ValueOf(const std::optional<std::string>& encoded) {
  if (!encoded) return 0;
  ByteReader reader(*encoded);
  return Codec<int64_t>::Decode(reader);
}

Topology CountUsers() {
  Topology topology("users");
  auto rows = topology.NewStream(
      "rows", GeneratorSpout::Make(Fields(kUser), {.rows_per_partition = kRows},
                                   [](const GeneratedRow& row, Emit<int64_t>& emit) {
                                     emit(static_cast<int64_t>(row.index) % kUsers);
                                   }));
  auto counts =
      rows.GroupBy(kUser).PersistentAggregate({.name = "counts"}, Count(), kCount).Parallelism(3);
  rows.PersistentAggregate({.name = "total"}, Count(), kCount);
  topology.NewDrpcStream("count_of")
      .Each(
          kArgs, [](Text user, Emit<int64_t>& emit) { emit(std::stoll(std::string(user))); }, kUser)
      .StateQuery(counts, kUser, MapGet(), kCount)
      .Project(kCount);
  return topology;
}

class ReadersTest : public testing::Test {
 protected:
  void SetUp() override {
    auto run = trident::Run::Start(CountUsers(), {.state_dir = dir_.path() + "/state",
                                                  .executors = 2,
                                                  .batch_rows = kBatchRows,
                                                  .sync = CommitSync::kNone});
    ASSERT_TRUE(run.ok()) << run.status();
    run_ = *std::move(run);
    counts_ = *run_->states().Find("counts");
    total_ = *run_->states().Find("total");
  }
  void TearDown() override { JoinReaders(); }

  // Calls `read` on a thread of its own until all is committed, and then once more.
  void OnAThread(std::function<void()> read) {
    readers_.emplace_back([this, read = std::move(read)] {
      for (bool last = false; !last && !HasFailure();) {
        last = ended_;
        read();
      }
    });
  }
  void JoinReaders() {
    ended_ = true;
    for (std::thread& reader : readers_) reader.join();
    readers_.clear();
  }
  void AwaitEnd() {
    const Status ended = run_->AwaitEnd();
    JoinReaders();
    ASSERT_TRUE(ended.ok()) << ended;
    EXPECT_EQ(RowsAt(run_->states().Published(GroupId(1))), static_cast<int64_t>(kRows));
  }

  Snapshot Pin() const {
    StatusOr<Snapshot> cut = run_->states().Pin(GroupId(1), ReadAt::Latest());
    TRIDENT_CHECK(cut.ok()) << cut.status().ToString();
    return *std::move(cut);
  }
  int64_t RowsAt(TxId at) const {
    const auto rows = total_->Get(at, "");
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() ? ValueOf(*rows) : -1;
  }

  TempDir dir_;
  std::unique_ptr<trident::Run> run_;
  const ReadableState* counts_ = nullptr;
  const ReadableState* total_ = nullptr;
  std::vector<std::thread> readers_;
  std::atomic<bool> ended_{false};
};

TEST_F(ReadersTest, EveryScanOfACutIsOfItsRowsAndNoCutIsOlderThanTheOneBefore) {
  for (int reader = 0; reader < 2; ++reader) {
    OnAThread([this, last = TxId(0)]() mutable {
      const Snapshot cut = Pin();
      EXPECT_GE(cut.txid(), last);
      last = cut.txid();
      EXPECT_EQ(StateAt(*run_, "counts", cut.txid()), CountsOf(RowsAt(cut.txid())))
          << "txid " << cut.txid().value();
    });
  }
  AwaitEnd();
}

TEST_F(ReadersTest, ManyKeysOfACutAndOneOfThemAgreeWithItsRows) {
  OnAThread([this] {
    std::vector<std::string> keys;
    for (int64_t user = 0; user < kUsers; ++user) keys.push_back(KeyOf(user));
    const std::vector<std::string_view> asked(keys.begin(), keys.end());
    const Snapshot cut = Pin();
    const int64_t rows = RowsAt(cut.txid());
    const auto found = counts_->MultiGet(cut.txid(), asked);
    ASSERT_TRUE(found.ok()) << found.status();
    for (int64_t user = 0; user < kUsers; ++user) {
      EXPECT_EQ(ValueOf(found->at(user).value()), CountOf(user, rows)) << "user " << user;
    }
    const auto one = counts_->Get(cut.txid(), KeyOf(rows % kUsers));
    ASSERT_TRUE(one.ok()) << one.status();
    EXPECT_EQ(ValueOf(*one), CountOf(rows % kUsers, rows));
  });
  AwaitEnd();
}

TEST_F(ReadersTest, AWatchTellsTheRowsOfEachTxidThatItReaches) {
  std::optional<Watch> watch;
  OnAThread([&] {
    if (!watch) {
      StatusOr<Watch> follow =
          run_->states().Follow(*counts_, KeyRange::All(), run_->states().Published(GroupId(1)));
      if (!follow.ok()) return;  // that txid has left the window meanwhile
      watch = *std::move(follow);
    }
    const StatusOr<WatchEvent> event = watch->Next(kMillisecond);
    if (!event.ok()) return watch.reset();  // too far behind
    const int64_t rows = RowsAt(event->txid);
    for (const StateChange& change : event->changes) {
      EXPECT_EQ(ValueOf(change.value), CountsOf(rows)[change.key]) << event->txid.value();
    }
  });
  AwaitEnd();
}

TEST_F(ReadersTest, ARequestIsAnsweredAtOneCut) {
  OnAThread([this, user = int64_t{0}]() mutable {
    user = (user + 1) % kUsers;
    const auto answer = run_->Drpc("count_of", std::to_string(user));
    ASSERT_TRUE(answer.ok()) << answer.status();
    const auto cut = run_->states().Pin(GroupId(1), ReadAt::Exactly(answer->txid));
    if (!cut.ok()) return;  // its txid has left the window meanwhile
    const int64_t expected = CountOf(user, RowsAt(answer->txid));
    ASSERT_EQ(answer->rows.size(), expected == 0 ? 0u : 1u);
    if (expected == 0) return;  // the state does not have the user yet
    EXPECT_EQ(std::get<int64_t>(answer->rows[0][0].value), expected) << answer->txid.value();
  });
  AwaitEnd();
}

}  // namespace
}  // namespace trident
