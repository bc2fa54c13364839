// SPDX-License-Identifier: Apache-2.0
//
// A simulated leader: it begins an epoch with the real Takeover and leads it with the real
// BatchProtocol. It may die, or go on as a zombie behind a newer one.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_LEADER_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_LEADER_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "coordinator/protocol/batch_protocol.h"
#include "coordinator/protocol/takeover.h"

namespace trident::model {

class ClusterWorld;

class ClusterLeader {
 public:
  // `number` is of this leader alone.
  ClusterLeader(ClusterWorld& world, uint64_t number);

  void Begin();
  void Kill() { alive_ = false; }
  // Of batches. Ignored before the epoch has started.
  void Deliver(const BatchEvent& event);
  // Of the epoch.
  void Deliver(const TakeoverEvent& event);

  bool alive() const { return alive_; }
  Epoch epoch() const { return mine_.epoch; }
  GroupStatus status() const { return protocol_ == nullptr ? GroupStatus() : protocol_->status(); }
  bool leads() const { return alive_ && protocol_ != nullptr; }
  std::vector<WorkerId> awaited() const;

 private:
  void NoteHolds(const BatchEvent& event);
  bool IsScribe(WorkerId worker) const;
  // Asks the store until the outcome is known.
  void CompareAndSet(const EpochRecord& expected, const EpochRecord& next,
                     std::function<void(bool)> then);

  void Perform(const takeover_action::Ask& action);
  void Perform(const takeover_action::WriteLog& action);
  void Perform(const takeover_action::WriteStart& action);
  void Perform(const takeover_action::Tell& action);
  void Perform(const takeover_action::Lead& action);
  void Perform(const takeover_action::GiveUp& action);

  void Perform(const word::Begin& action);
  void Perform(const word::Emit& action);
  void Perform(const batch_action::LogCut& action);
  void Perform(const word::Permit& action);
  void Perform(const batch_action::Decide& action);
  void Perform(const word::Apply& action);
  void Perform(const word::Abort& action);
  void Perform(const batch_action::Stale& action);
  void Perform(const batch_action::Halt& action);
  void Perform(const batch_action::Drained& action);
  void Perform(const batch_action::SetTimer& action);

  ClusterWorld& world_;
  const uint64_t number_;
  bool alive_ = true;
  EpochRecord mine_;
  std::unique_ptr<Takeover> takeover_;
  std::unique_ptr<BatchProtocol> protocol_;
  std::optional<BatchId> last_applied_;
  int64_t time_micros_ = 0;          // batch time of the attempt that began last
  std::map<TxId, int64_t> time_of_;  // of attempts
  uint64_t timer_ = 0;
  std::map<WorkerId, Incarnation> lives_;  // that have joined
  std::map<WorkerId, Incarnation> holds_;  // lives that asked for a hold and have not released it
};

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_LEADER_H_
