// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/worker.h"

#include <algorithm>

#include "base/status.h"
#include "tests/protocol_model/world.h"

namespace trident::model {

void Worker::Start() {
  up_ = true;
  incarnation_ = incarnation_.Next();
  CatchUp();
  Announce();
}

void Worker::Crash() {
  up_ = false;
  work_.clear();
  decided_.clear();
}

void Worker::Announce() {
  if (!up_) return;
  const WorkerId id(number_);
  world_.SendToCoordinators(word::WorkerJoined{id, incarnation_, applied_});
  world_.SendToCoordinators(word::Applied{applied_, id, incarnation_});
}

void Worker::CatchUp() {
  if (!up_) return;
  const TxId last = world_.oracle().last_decided();
  for (TxId txid = applied_.Next(); txid <= last; txid = txid.Next()) {
    decided_[txid] = world_.oracle().decided_attempt(txid);
  }
  ApplyInOrder();
}

// Null for what is older than what it knows, or applied.
Worker::Work* Worker::WorkOn(TxId txid, Attempt attempt) {
  if (!up_ || txid <= applied_) return nullptr;
  Work& work = work_[txid];
  if (attempt < work.attempt) return nullptr;
  if (work.attempt < attempt) {
    work = Work{};
    work.attempt = attempt;
  }
  return &work;
}

void Worker::OnBegin(const word::Begin& begin) {
  Work* work = WorkOn(begin.id.txid, begin.id.attempt);
  if (work == nullptr) return;
  work->begun = true;
  work->prev_attempt = begin.prev_attempt;
  work->emitters = begin.emitters;
  StageInOrder();
}

void Worker::OnData(TxId txid, Attempt attempt, EmitterId from,
                    std::shared_ptr<const Emission> emission) {
  Work* work = WorkOn(txid, attempt);
  if (work == nullptr) return;
  work->data[from] = std::move(emission);
  if (world_.time().rng().Chance(0.1)) {
    world_.SendToCoordinators(word::Progressed{world_.IdOf(txid, attempt)});
  }
  StageInOrder();
}

void Worker::OnPermit(const word::Permit& permit) {
  Work* work = WorkOn(permit.id.txid, permit.id.attempt);
  if (work == nullptr) return;
  work->permitted = true;
  StageInOrder();
}

void Worker::OnAbort(const word::Abort& abort) {
  for (const BatchId& cancelled : abort.cancelled) {
    auto it = work_.find(cancelled.txid);
    if (it != work_.end() && it->second.attempt == cancelled.attempt) work_.erase(it);
  }
}

void Worker::StageInOrder() {
  for (auto& [txid, work] : work_) {
    if (work.staged || work.failed || !work.begun || !work.permitted) continue;
    const auto complete = [&](EmitterId emitter) { return work.data.count(emitter) > 0; };
    if (!std::all_of(work.emitters.begin(), work.emitters.end(), complete)) continue;
    const State* below = Below(txid, work);
    if (below != nullptr) Stage(txid, work, *below);
  }
}

const State* Worker::Below(TxId txid, const Work& work) const {
  if (txid.Prev() == applied_) {
    return work.prev_attempt == applied_attempt_ ? &state_ : nullptr;
  }
  auto below = work_.find(txid.Prev());
  if (below == work_.end() || below->second.attempt != work.prev_attempt) return nullptr;
  return below->second.staged ? &*below->second.staged : nullptr;
}

void Worker::Stage(TxId txid, Work& work, const State& below) {
  StageOutside(txid, work);
  if (HasPoison(work.data, number_, world_.workers().size())) {
    if (const SourceRange* alone = RangeOfOneRow(work.data)) world_.oracle().OnFailedAlone(*alone);
    if (world_.options().poison_kills) {
      work.failed = true;
      // Not at once: it is at work.
      return world_.time().After(0, [this] { world_.EndProcess(kStageStep); });
    }
    return Fail(txid, work, InvalidArgument("a row cannot be staged"));
  }
  Timeline& time = world_.time();
  if (time.faulty() && time.rng().Chance(world_.options().stage_fails)) {
    return Fail(txid, work, ResourceExhausted("staging failed for a while"));
  }
  Changes changes;
  State after = below;
  for (const auto& [emitter, emission] : work.data) {
    for (const auto& rows : emission->rows) {
      for (const Row& row : rows) {
        if (WorkerOf(row, world_.workers().size()) != number_) continue;
        changes[SlotOf(row)] = after[SlotOf(row)] = Fold(after[SlotOf(row)], row);
      }
    }
  }
  work.staged = after;
  uint64_t checksum = 0;
  for (const auto& [slot, value] : changes) checksum = checksum * 31 + value + slot;
  // The redo record becomes durable later, and only then the worker votes.
  time.After(time.Delay(),
             [this, txid, attempt = work.attempt, life = incarnation_, changes, checksum] {
               if (!up_ || life != incarnation_) return;
               redo_[{txid, attempt}] = changes;
               world_.SendToCoordinators(word::Voted{world_.IdOf(txid, attempt), WorkerId(number_),
                                                     life, changes.size(), checksum});
             });
}

std::optional<RowPlace> Worker::RowAlone(TxId txid) const {
  const auto work = work_.find(txid);
  if (work == work_.end()) return std::nullopt;
  const SourceRange* range = RangeOfOneRow(work->second.data);
  if (range == nullptr) return std::nullopt;
  return RowPlace{range->emitter, {range->partition, range->start}};
}

// What a user-defined transactional state would be given: the rows of transactional spouts.
void Worker::StageOutside(TxId txid, const Work& work) {
  if (world_.options().config.cut_logging == CutLogging::kNone) return;
  world_.oracle().OnStagedOutside(number_, txid,
                                  TransactionalContent(work.data, world_.options().config));
}

void Worker::Fail(TxId txid, Work& work, Status cause) {
  work.failed = true;
  world_.SendToCoordinators(word::Failed{world_.IdOf(txid, work.attempt), std::move(cause)});
}

void Worker::OnApply(TxId txid, Attempt attempt) {
  if (!up_ || txid <= applied_) return;
  decided_[txid] = attempt;
  ApplyInOrder();
}

void Worker::ApplyInOrder() {
  const TxId before = applied_;
  while (!decided_.empty() && decided_.begin()->first == applied_.Next()) {
    const auto [txid, attempt] = *decided_.begin();
    auto redo = redo_.find({txid, attempt});
    if (redo == redo_.end()) {
      world_.oracle().Violation(Concat("I5: txid ", txid.value(), " attempt ", ToString(attempt),
                                       " is decided, but worker ", number_, " has no redo of it"));
      return;
    }
    for (const auto& [slot, value] : redo->second) state_[slot] = value;
    applied_ = txid;
    applied_attempt_ = attempt;
    world_.oracle().OnApplied(number_, txid, attempt, state_);
    decided_.erase(decided_.begin());
    redo_.erase(redo_.begin(), redo_.lower_bound({txid.Next(), Attempt()}));
    work_.erase(work_.begin(), work_.upper_bound(txid));
  }
  if (applied_ == before) return;
  world_.SendToCoordinators(word::Applied{applied_, WorkerId(number_), incarnation_});
  StageInOrder();
}

}  // namespace trident::model
