// SPDX-License-Identifier: Apache-2.0
//
// A simulated coordinator: the shell that carries out what the real BatchProtocol asks for, with
// writes that take time and messages that get lost.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_COORDINATOR_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_COORDINATOR_H_

#include <memory>
#include <optional>
#include <vector>

#include "coordinator/protocol/batch_protocol.h"
#include "tests/protocol_model/witness.h"

namespace trident::model {

class World;

class Coordinator {
 public:
  // `deaths` of the processes before it.
  Coordinator(World& world, const Recovered& recovered, const std::optional<EarlierDeaths>& deaths);

  void Deliver(const BatchEvent& event);
  void Kill() { alive_ = false; }
  bool alive() const { return alive_; }
  Epoch epoch() const { return epoch_; }
  GroupStatus status() const { return protocol_->status(); }

 private:
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

  // Performs a durable write later, and tells its outcome later still, if anyone is left to hear
  // it.
  template <class Write, class Tell>
  void WriteLater(Write write, Tell tell);

  World& world_;
  const Epoch epoch_;
  std::unique_ptr<BatchProtocol> protocol_;
  std::unique_ptr<Witness> witness_;
  bool alive_ = true;
  uint64_t timer_ = 0;  // number of the SetTimer that counts
  std::vector<BatchAction> actions_;
};

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_COORDINATOR_H_
