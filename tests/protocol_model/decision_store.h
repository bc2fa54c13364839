// SPDX-License-Identifier: Apache-2.0
//
// The durable memory of a simulated group: epochs, decisions and logged cuts, each write guarded by
// the epoch that leads.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_DECISION_STORE_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_DECISION_STORE_H_

#include <map>
#include <vector>

#include "base/status.h"
#include "tests/protocol_model/oracle.h"

namespace trident::model {

class DecisionStore {
 public:
  explicit DecisionStore(Oracle& oracle) : oracle_(oracle) {}

  Epoch NewEpoch() {
    epoch_ = epoch_.Next();
    return epoch_;
  }

  Status Decide(Epoch epoch, const std::vector<DecisionRecord>& records) {
    if (epoch != epoch_) return Aborted("another epoch leads");
    if (records.front().txid != oracle_.last_decided().Next()) {
      return FailedPrecondition("the last decision is another");
    }
    for (const DecisionRecord& record : records) oracle_.OnDecision(record);
    cuts_.erase(cuts_.begin(), cuts_.upper_bound(oracle_.last_decided()));
    return absl::OkStatus();
  }

  Status LogCut(Epoch epoch, TxId txid, const std::vector<SourceRange>& ranges) {
    if (epoch != epoch_) return Aborted("another epoch leads");
    if (txid > oracle_.last_decided()) cuts_[txid] = ranges;
    return absl::OkStatus();
  }

  // What a coordinator that starts now finds.
  Recovered Recover(Epoch epoch) const {
    Recovered recovered;
    recovered.epoch = epoch;
    recovered.last_decided = oracle_.last_decided();
    if (recovered.last_decided != TxId()) {
      recovered.last_attempt = oracle_.decided_attempt(recovered.last_decided);
    }
    for (const auto& [where, at] : oracle_.positions()) {
      recovered.positions.push_back({SpoutId(where.first), {where.second, at}});
    }
    for (const auto& [txid, ranges] : cuts_) recovered.cuts.push_back({txid, ranges});
    return recovered;
  }

 private:
  Oracle& oracle_;
  Epoch epoch_;
  std::map<TxId, std::vector<SourceRange>> cuts_;
};

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_DECISION_STORE_H_
