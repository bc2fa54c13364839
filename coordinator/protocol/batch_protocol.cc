// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/batch_protocol.h"

#include <utility>

#include "coordinator/protocol/batch_protocol_machine.h"

namespace trident {

const char* ToString(BatchPhase phase) {
  switch (phase) {
    case BatchPhase::kEmitting:
      return "emitting";
    case BatchPhase::kLoggingCut:
      return "logging the cut";
    case BatchPhase::kStaging:
      return "staging";
    case BatchPhase::kReady:
      return "ready";
    case BatchPhase::kDeciding:
      return "deciding";
  }
  return "in an unknown phase";
}

const char* ToString(EmitGate gate) {
  switch (gate) {
    case EmitGate::kOpen:
      return "is open";
    case EmitGate::kNoInput:
      return "waits for input";
    case EmitGate::kFilling:
      return "lets a batch fill";
    case EmitGate::kRangesUnknown:
      return "is emitting a batch";
    case EmitGate::kPendingFull:
      return "has max_pending batches undecided";
    case EmitGate::kRetrying:
      return "retries a batch alone";
    case EmitGate::kCareful:
      return "has one batch at a time, after a process that ended here";
    case EmitGate::kBackoff:
      return "waits before a retry";
    case EmitGate::kEmitterAbsent:
      return "waits for a spout task to start";
    case EmitGate::kWorkerAbsent:
      return "waits for a worker to join";
    case EmitGate::kWorkerBehind:
      return "waits for a worker to catch up";
    case EmitGate::kBacklog:
      return "waits for the slowest worker to apply";
    case EmitGate::kHeld:
      return "waits for room";
    case EmitGate::kPaused:
      return "is paused";
    case EmitGate::kDraining:
      return "is draining";
    case EmitGate::kHalted:
      return "is halted";
  }
  return "is in an unknown state";
}

StatusOr<std::unique_ptr<BatchProtocol>> BatchProtocol::Create(GroupConfig config,
                                                               Recovered recovered) {
  TRIDENT_RETURN_IF_ERROR(Machine::CheckConfig(config));
  TRIDENT_RETURN_IF_ERROR(Machine::CheckRecovered(config, recovered));
  auto machine = std::make_unique<Machine>(std::move(config), recovered);
  TRIDENT_RETURN_IF_ERROR(machine->Restore(recovered));
  return std::unique_ptr<BatchProtocol>(new BatchProtocol(std::move(machine)));
}

BatchProtocol::BatchProtocol(std::unique_ptr<Machine> machine) : machine_(std::move(machine)) {}

BatchProtocol::~BatchProtocol() = default;

void BatchProtocol::Step(const BatchEvent& event, std::vector<BatchAction>& out) {
  machine_->Step(event, out);
}

GroupStatus BatchProtocol::status() const { return machine_->status(); }

bool BatchProtocol::idle() const { return machine_->idle(); }

GroupStatus BatchProtocol::Machine::status() const {
  GroupStatus status;
  status.group = config_.group;
  status.epoch = epoch_;
  status.last_decided = last_decided_;
  for (TxId txid = last_decided_.Next(); txid < next_txid(); txid = txid.Next()) {
    const Batch& batch = At(txid);
    const uint32_t votes = static_cast<uint32_t>(voters_.size()) - batch.votes_awaited;
    status.in_flight.push_back(
        {txid, batch.attempt, batch.phase, batch.rows, votes, batch.answers_awaited});
  }
  status.limits = retry_.limits();
  status.retrying = retry_.retrying();
  status.failures = retry_.failures();
  status.last_failure = retry_.last_cause();
  status.failures_total = failures_total_;
  status.rows_diverted = rows_diverted_;
  status.halted = halted_;
  status.gate = Gate();
  status.paused = paused_;
  status.draining = draining_;
  status.idle = idle();
  return status;
}

bool BatchProtocol::Machine::idle() const {
  return in_flight_ == 0 && retry_.retrying() == TxId() && cuts_.empty() && !emitters_.AnyReady() &&
         voters_.PresentHaveApplied(last_decided_);
}

}  // namespace trident
