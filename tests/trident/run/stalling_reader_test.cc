// SPDX-License-Identifier: Apache-2.0
//
// Readers that say something other than they do.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/spout.h"
#include "trident/run/run.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr Field<int64_t> kNumber{"number"};
constexpr Field<int64_t> kCount{"count"};
constexpr int kFruitlessReads = 3;

SchemaRef NumberSchema() {
  return std::make_shared<const Schema>(*Schema::Make({kNumber.Describe()}));
}

// One row, which the first reads promise and do not give.
class HesitantReader final : public SourceReader {
 public:
  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
    if (++reads_ <= kFruitlessReads)
      return ReadResult{request.start, 0, 0, ReadResult::Next::kMore};
    if (request.start == "1") return ReadResult{"1", 0, 0, ReadResult::Next::kEnded};
    auto column = std::make_shared<ColumnOf<int64_t>>();
    column->Append(7);
    TRIDENT_RETURN_IF_ERROR(out.Emit(Slice(NumberSchema(), {column}, 1)));
    return ReadResult{"1", 1, 8, ReadResult::Next::kEnded};
  }
  StatusOr<Availability> Poll(const Position& position) override {
    using State = Availability::State;
    return Availability{position == "1" ? State::kEnded : State::kReady, 0};
  }

 private:
  int reads_ = 0;
};

class HesitantSpout final : public Spout {
 public:
  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override { return std::vector<std::string>{"p"}; }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string&, WakeUp) override {
    return std::make_unique<HesitantReader>();
  }
  std::string Describe() const override { return "hesitant"; }

 private:
  const SchemaRef schema_ = NumberSchema();
};

TEST(StallingReaderTest, OneThatPromisesMoreAndGivesNothingIsAskedAgain) {
  Topology topology("hesitant");
  topology.NewStream("numbers", std::make_shared<HesitantSpout>())
      .PersistentAggregate({.name = "count"}, Count(), kCount);
  auto run = Run::Start(topology, {});
  ASSERT_TRUE(run.ok()) << run.status();
  const StatusOr<bool> ended = (*run)->AwaitEndFor(20 * kSecond);
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_TRUE(*ended) << "it waits for ever";
  EXPECT_EQ((*run)->progress().front().rows, 1u);
}

}  // namespace
}  // namespace trident
