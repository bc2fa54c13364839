// SPDX-License-Identifier: Apache-2.0
//
// Watches what one protocol is told and what it asks for, and holds it to the promises that do not
// need to see the rest of the world: order, bounds, and that stale messages have no effect.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_WITNESS_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_WITNESS_H_

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "coordinator/protocol/batch_protocol.h"

namespace trident::model {

class World;

class Witness {
 public:
  Witness(World& world, const Recovered& recovered, std::optional<EarlierDeaths> deaths);

  void OnStep(const BatchEvent& event, const std::vector<BatchAction>& actions);

 private:
  // True if the event is about an attempt that is not in flight.
  bool IsStale(const BatchEvent& event) const;
  void Hear(const word::WorkerJoined& event);
  void See(const word::Begin& action);
  void See(const word::Permit& action);
  void See(const batch_action::Decide& action);
  void See(const word::Apply& action);
  void See(const word::Abort& action);
  template <class Other>
  void See(const Other&) {}
  void Expect(bool kept, const char* broken);
  // Must this batch be small, and alone in flight?
  bool IsCareful(TxId txid) const;

  World& world_;
  const std::optional<EarlierDeaths> deaths_;
  std::set<TxId> repeated_;  // whose cuts an earlier process has logged
  TxId last_applied_;
  Attempt last_attempt_;
  std::map<TxId, Attempt> open_;  // begun, and neither aborted nor applied
  bool deciding_ = false;
  TxId last_issued_;
  struct Joined {
    Incarnation incarnation;
    TxId must_apply;
  };
  std::map<WorkerId, Joined> joined_;
};

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_WITNESS_H_
