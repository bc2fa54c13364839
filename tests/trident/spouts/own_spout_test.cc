// SPDX-License-Identifier: Apache-2.0
//
// The sources that trident/spouts/README.md shows, as a user would write them: one by LogSource,
// and one by the raw interface of spouts, which sees columns.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "engine/data/field.h"
#include "tests/trident/spouts/reading.h"
#include "trident/spouts/log_spout.h"
#include "trident/spouts/row_number.h"

namespace trident::testing {
namespace {

// ---- by LogSource ----

constexpr Field<Text> kUser{"user"};
constexpr Field<double> kAmount{"amount"};

struct Entry {
  std::string user;
  double amount = 0;
};
using Ledger = std::map<std::string, std::vector<Entry>>;

class LedgerLog final : public LogSource<int64_t, Text, double> {
 public:
  explicit LedgerLog(std::shared_ptr<const Ledger> ledger) : ledger_(std::move(ledger)) {}

  StatusOr<std::vector<std::string>> Partitions() override {
    std::vector<std::string> accounts;
    for (const auto& [account, entries] : *ledger_) accounts.push_back(account);
    return accounts;
  }
  StatusOr<std::unique_ptr<Reader>> Open(const std::string& account, WakeUp) override {
    return std::make_unique<AccountReader>(ledger_->at(account));
  }

 private:
  class AccountReader final : public Reader {
   public:
    explicit AccountReader(const std::vector<Entry>& entries) : entries_(entries) {}
    Status Seek(const int64_t& at) override {
      at_ = static_cast<size_t>(at);
      return at_ <= entries_.size() ? absl::OkStatus() : NotFound("the account is shorter");
    }
    StatusOr<Step> Next(Emit<Text, double>& emit) override {
      if (at_ == entries_.size()) return Step::Idle();
      emit(entries_[at_].user, entries_[at_].amount);
      return Step::MovedTo(static_cast<int64_t>(++at_));
    }

   private:
    const std::vector<Entry>& entries_;
    size_t at_ = 0;
  };

  const std::shared_ptr<const Ledger> ledger_;
};

TEST(OwnSpoutTest, TheLogOfTheReadmeGivesItsRowsFromAnywhere) {
  const auto ledger = std::make_shared<const Ledger>(
      Ledger{{"north", {{"ann", 1.5}, {"bob", 2}}}, {"south", {{"cid", 3}}}});
  const auto spout =
      *LogSpout::Make(Fields(kUser, kAmount), {.name = "ledger", .kind = SpoutKind::kTransactional},
                      std::make_shared<LedgerLog>(ledger));
  EXPECT_EQ(*spout->Partitions(), (std::vector<std::string>{"north", "south"}));
  const auto north = OpenReader(*spout, "north");
  EXPECT_EQ(ReadUntilPause(*north, "", {1, 1000}).rows, (std::vector<std::string>{"ann", "bob"}));
  EXPECT_EQ(ReadOnce(*north, "1", kNoLimits).rows, std::vector<std::string>{"bob"});
  EXPECT_EQ(ReadOnce(*north, "3", kNoLimits).status.code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadOnce(*OpenReader(*spout, "south"), "", kNoLimits).rows,
            std::vector<std::string>{"cid"});
}

// ---- by the raw interface ----

constexpr Field<int64_t> kSeconds{"seconds"};
constexpr uint64_t kRows = 10;

class CountdownReader final : public SourceReader {
 public:
  explicit CountdownReader(SchemaRef schema) : schema_(std::move(schema)) {}

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t start, RowOfPosition(request.start, "countdown"));
    uint64_t end = std::min(start + request.limits.rows, kRows);
    if (request.end != nullptr) {
      TRIDENT_ASSIGN_OR_RETURN(const uint64_t exact, RowOfPosition(*request.end, "countdown"));
      end = std::min(end, exact);
    }
    auto column = std::make_shared<ColumnOf<int64_t>>();
    for (uint64_t i = start; i < end; ++i) column->Append(static_cast<int64_t>(kRows - i));
    TRIDENT_RETURN_IF_ERROR(out.Emit(Slice(schema_, {column}, end - start)));
    return ReadResult{PositionOfRow(end), end - start, (end - start) * sizeof(int64_t),
                      end < kRows ? ReadResult::Next::kMore : ReadResult::Next::kEnded};
  }
  StatusOr<Availability> Poll(const Position& position) override {
    TRIDENT_ASSIGN_OR_RETURN(const uint64_t at, RowOfPosition(position, "countdown"));
    return Availability{at < kRows ? Availability::State::kReady : Availability::State::kEnded};
  }

 private:
  const SchemaRef schema_;
};

class CountdownSpout final : public Spout {
 public:
  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{"countdown"};
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& /*partition*/,
                                                     WakeUp /*wake_up*/) override {
    return std::make_unique<CountdownReader>(schema_);
  }
  Backlog BacklogAfter(const std::string& partition, const Position& position) override {
    const StatusOr<uint64_t> at = RowOfPosition(position, partition);
    return at.ok() ? Backlog::Rows(kRows - std::min(*at, kRows)) : Backlog();
  }
  std::string Describe() const override { return "countdown"; }

 private:
  const SchemaRef schema_ = std::make_shared<Schema>(*Schema::Make(Fields(kSeconds).Describe()));
};

TEST(OwnSpoutTest, TheRawSpoutOfTheReadmeCountsDownInAnySlices) {
  for (uint64_t slice_rows : {1u, 3u, 100u}) {
    CountdownSpout spout;
    EXPECT_EQ(ReadAll(spout, {slice_rows, 1000}),
              (std::vector<std::vector<std::string>>{
                  {"10", "9", "8", "7", "6", "5", "4", "3", "2", "1"}}));
  }
}

TEST(OwnSpoutTest, TheRawSpoutOfTheReadmeReadsARangeAgain) {
  CountdownSpout spout;
  const Position end = "5";
  EXPECT_EQ(ReadOnce(*OpenReader(spout, "countdown"), "3", kNoLimits, &end).rows,
            (std::vector<std::string>{"7", "6"}));
}

TEST(OwnSpoutTest, TheRawSpoutOfTheReadmeTellsWhatWaits) {
  CountdownSpout spout;
  EXPECT_EQ(spout.BacklogAfter("countdown", ""), Backlog::Rows(10));
  EXPECT_EQ(spout.BacklogAfter("countdown", "10"), Backlog::Rows(0));
}

}  // namespace
}  // namespace trident::testing
