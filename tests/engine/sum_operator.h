// SPDX-License-Identifier: Apache-2.0
//
// A state that is one sum, and the operator that adds to it: what tests of Task let a task do.
#ifndef TRIDENT_TESTS_ENGINE_SUM_OPERATOR_H_
#define TRIDENT_TESTS_ENGINE_SUM_OPERATOR_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/frames/slice_payload.h"
#include "engine/operator.h"

namespace trident {

// A frame of one row: [value].
inline std::shared_ptr<const Payload> ValueRow(int64_t value) {
  static const auto schema = std::make_shared<const Schema>(
      *Schema::Make({{"value", &TypeOf<int64_t>(), Nullability::kRequired}}));
  auto column = std::make_shared<ColumnOf<int64_t>>();
  column->Append(value);
  return std::make_shared<SlicePayload>(Slice(schema, {column}, 1));
}

// What is applied, and what is staged by txid, each over the one before.
struct SumState {
  int64_t applied = 0;
  TxId applied_txid;
  std::map<TxId, int64_t> staged;
  std::vector<BatchId> stages;

  int64_t Newest() const { return staged.empty() ? applied : staged.rbegin()->second; }
};

// Fails to process a negative value, and to stage a batch with a zero in it; the latter leaves
// something behind.
class SumOperator final : public CommittingOperator {
 public:
  explicit SumOperator(SumState* state) : state_(state) {}
  void Begin(const BatchContext& context) override {
    sum_ = 0;
    has_zero_ = false;
    id_ = context.id;
  }
  Status Process(const Slice& slice, Output&) override {
    int64_t value = As<int64_t>(slice.column(0)).values()[0];
    if (value < 0) return Aborted("a negative value");
    has_zero_ |= value == 0;
    sum_ += value;
    return absl::OkStatus();
  }
  Status Stage(const StagePermit& permit, Output&) override {
    EXPECT_EQ(permit.id(), id_) << "another attempt's operator is staged";
    TxId expected = state_->staged.empty() ? state_->applied_txid.Next()
                                           : state_->staged.rbegin()->first.Next();
    EXPECT_EQ(permit.id().txid, expected) << "staged out of order";
    state_->staged[permit.id().txid] = state_->Newest() + sum_;
    if (has_zero_) return Aborted("a zero");
    state_->stages.push_back(permit.id());
    return absl::OkStatus();
  }
  Status AppendRecord(const StagePermit& permit, std::string& record) override {
    record += std::to_string(state_->staged.at(permit.id().txid));
    return absl::OkStatus();
  }
  void Apply(const ApplyPermit& permit) override {
    state_->applied = state_->staged.at(permit.id().txid);
    state_->applied_txid = permit.id().txid;
    state_->staged.erase(permit.id().txid);
  }
  void Abort(TxId from) override {
    state_->staged.erase(state_->staged.lower_bound(from), state_->staged.end());
  }

 private:
  SumState* state_;
  int64_t sum_ = 0;
  bool has_zero_ = false;
  BatchId id_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_ENGINE_SUM_OPERATOR_H_
