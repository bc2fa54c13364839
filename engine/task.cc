// SPDX-License-Identifier: Apache-2.0
#include "engine/task.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "engine/frames/slice_payload.h"

namespace trident {

Task::Task(TaskSpec spec, const BatchId& applied)
    : spec_(std::move(spec)),
      applied_(applied.txid),
      staged_(applied.txid),
      applied_attempt_(applied.attempt),
      staged_attempt_(applied.attempt) {
  idle_chains_.push_back(MakeChain());
  commits_ = idle_chains_.back()->commits();
}

std::unique_ptr<Chain> Task::MakeChain() const {
  std::unique_ptr<Chain> chain = spec_.make_chain();
  chain->set_partition(spec_.address.task);
  return chain;
}

bool Task::IsStale(const BatchId& id) const {
  if (id.txid <= applied_ || id.txid.value() - applied_.value() > kTxidsAheadMax) return true;
  auto cancelled = cancelled_.find(id.txid);
  if (cancelled != cancelled_.end() && id.attempt < cancelled->second) return true;
  auto here = attempts_.find(id.txid);
  return here != attempts_.end() && id.attempt < here->second.id.attempt;
}

Task::InFlight* Task::Find(const BatchId& id, int64_t batch_time_micros) {
  auto it = attempts_.find(id.txid);
  if (it != attempts_.end() && it->second.id == id) return &it->second;
  if (IsStale(id)) {
    ++stale_messages_;
    return nullptr;
  }
  // The first word of a newer attempt tells that the older one has been cancelled, even if the word
  // that says so is still under way.
  if (it != attempts_.end()) Abort(id.txid, id.attempt);
  InFlight attempt;
  attempt.id = id;
  if (idle_chains_.empty()) idle_chains_.push_back(MakeChain());
  attempt.chain = std::move(idle_chains_.back());
  idle_chains_.pop_back();
  if (idle_inboxes_.empty()) idle_inboxes_.push_back(std::make_unique<Inbox>(spec_.inputs));
  attempt.inbox = std::move(idle_inboxes_.back());
  idle_inboxes_.pop_back();
  BatchContext context;
  context.id = id;
  context.batch_time_micros = batch_time_micros;
  attempt.chain->Begin(context);
  return &(attempts_[id.txid] = std::move(attempt));
}

Task::Outcome Task::OnFrame(const DataFrame& frame) {
  InFlight* attempt = Find(frame.id, frame.batch_time_micros);
  if (attempt == nullptr) return Outcome::kStale;
  if (!attempt->inbox->Add(frame) && attempt->inbox->status().ok()) return Outcome::kWaiting;
  return Advance(*attempt);
}

Task::Outcome Task::OnEnd(const EndMarker& marker) {
  InFlight* attempt = Find(marker.id, marker.batch_time_micros);
  if (attempt == nullptr) return Outcome::kStale;
  if (!attempt->inbox->Add(marker) && attempt->inbox->status().ok()) return Outcome::kWaiting;
  return Advance(*attempt);
}

Task::Outcome Task::Advance(InFlight& attempt) {
  if (attempt.failed || attempt.processed) return Outcome::kWaiting;
  while (auto next = attempt.inbox->Pop()) {
    Status status = Process(attempt, *next);
    if (!status.ok()) return Fail(attempt, status);
  }
  if (!attempt.inbox->status().ok()) return Fail(attempt, attempt.inbox->status());
  return attempt.inbox->complete() ? FinishInput(attempt) : Outcome::kWaiting;
}

Status Task::Process(InFlight& attempt, const Inbox::Next& next) {
  const InputSpec& input = *next.input;
  if (const auto* near = dynamic_cast<const SlicePayload*>(next.payload.get())) {
    return attempt.chain->Process(input.port, near->slice());
  }
  const auto& frame = static_cast<const FramePayload&>(*next.payload);
  TRIDENT_ASSIGN_OR_RETURN(const Slice slice, Decode(input, frame));
  return attempt.chain->Process(input.port, slice);
}

// The bytes are of another process, the decoders of types are the program's: both may fail.
StatusOr<Slice> Task::Decode(const InputSpec& input, const FramePayload& frame) {
  auto found = decoders_.find(input.edge);
  if (found == decoders_.end()) {
    found = decoders_.emplace(input.edge, SliceDecoder::Make(input.schema)).first;
  }
  TRIDENT_RETURN_IF_ERROR(found->second.status());
  StatusOr<Slice> slice = frame.Decode(*found->second);
  if (slice.ok()) return slice;
  return Annotate(slice.status(), Concat("from stage ", input.from_stage.value()));
}

Task::Outcome Task::FinishInput(InFlight& attempt) {
  if (attempt.failed || attempt.processed) return Outcome::kWaiting;
  Status status = attempt.chain->FinishProcess();
  if (!status.ok()) return Fail(attempt, status);
  attempt.processed = true;
  return TryStage(attempt);
}

Task::Outcome Task::TryStage(InFlight& attempt) {
  if (attempt.done || attempt.failed || !attempt.processed) return Outcome::kWaiting;
  if (commits_) {
    if (!attempt.permitted || attempt.id.txid != staged_.Next() ||
        attempt.prev != staged_attempt_) {
      return Outcome::kWaiting;
    }
    Status status = attempt.chain->Stage(StagePermit(attempt.id));
    if (!status.ok()) return Fail(attempt, status);
    staged_ = attempt.id.txid;
    staged_attempt_ = attempt.id.attempt;
  }
  attempt.done = true;
  return Outcome::kDone;
}

Task::Outcome Task::OnPermit(const BatchId& id, Attempt prev) {
  InFlight* attempt = Find(id, 0);
  if (attempt == nullptr) return Outcome::kStale;
  attempt->permitted = true;
  attempt->prev = prev;
  return TryStage(*attempt);
}

Task::Outcome Task::StageNext(BatchId* which) {
  auto it = attempts_.find(staged_.Next());
  if (!commits_ || it == attempts_.end()) return Outcome::kWaiting;
  *which = it->second.id;
  return TryStage(it->second);
}

bool Task::Begin(const BatchId& id, int64_t batch_time_micros) {
  return Find(id, batch_time_micros) != nullptr;
}

StatusOr<Chain*> Task::ChainOf(const BatchId& id) {
  auto it = attempts_.find(id.txid);
  if (it == attempts_.end() || it->second.id != id) return Aborted("the attempt was cancelled");
  return it->second.chain.get();
}

Status Task::Feed(const BatchId& id, size_t port, const Slice& slice) {
  TRIDENT_ASSIGN_OR_RETURN(Chain * chain, ChainOf(id));
  return chain->Process(port, slice);
}

Status Task::FeedSparing(const BatchId& id, const Slice& slice, std::vector<FailedRow>& failed) {
  TRIDENT_ASSIGN_OR_RETURN(Chain * chain, ChainOf(id));
  return chain->ProcessSparing(0, slice, failed);
}

Task::Outcome Task::EndEmission(const BatchId& id) {
  auto it = attempts_.find(id.txid);
  if (it == attempts_.end() || it->second.id != id) return Outcome::kStale;
  return FinishInput(it->second);
}

Task::Outcome Task::Fail(InFlight& attempt, const Status& status) {
  attempt.failed = true;
  failure_ = Annotate(
      status, Concat("stage \"", spec_.name, "\", partition ", spec_.address.task, ", txid ",
                     attempt.id.txid.value(), ", attempt ", ToString(attempt.id.attempt)));
  return Outcome::kFailed;
}

Status Task::AppendRecord(const BatchId& id, std::string& record) {
  auto it = attempts_.find(id.txid);
  TRIDENT_CHECK(it != attempts_.end() && it->second.id == id && it->second.done)
      << "record of txid " << id.txid.value() << " asked for before it was staged";
  return it->second.chain->AppendRecord(StagePermit(id), record);
}

void Task::Apply(const BatchId& id) {
  TRIDENT_CHECK_EQ(id.txid.value(), applied_.value() + 1) << "stage " << spec_.name;
  auto it = attempts_.find(id.txid);
  TRIDENT_CHECK(it != attempts_.end() && it->second.id == id && it->second.done)
      << "decided attempt " << ToString(id.attempt) << " of txid " << id.txid.value()
      << " is not staged at stage " << spec_.name;
  it->second.chain->Apply(ApplyPermit(id));
  applied_ = id.txid;
  applied_attempt_ = id.attempt;
  Release(it->second);
  attempts_.erase(it);
  cancelled_.erase(cancelled_.begin(), cancelled_.upper_bound(applied_));
}

void Task::Abort(TxId txid, Attempt before) {
  if (txid > applied_) {
    Attempt& mark = cancelled_[txid];
    mark = std::max(mark, before);
  }
  auto it = attempts_.find(txid);
  if (it == attempts_.end() || it->second.id.attempt >= before) return;
  const bool was_staged = commits_ && it->second.done;
  const TxId staged_up_to = staged_;
  Forget(txid);
  // What was staged over it is cancelled with it, though the word that says so may come later.
  for (TxId later = txid.Next(); was_staged && later <= staged_up_to; later = later.Next()) {
    const Attempt built = attempts_.at(later).id.attempt;
    cancelled_[later] = std::max(cancelled_[later], {built.epoch, built.counter + 1});
    Forget(later);
  }
}

void Task::Forget(TxId txid) {
  auto it = attempts_.find(txid);
  Unstage(it->second);
  Release(it->second);
  attempts_.erase(it);
}

void Task::Unstage(InFlight& attempt) {
  if (!commits_) return;
  attempt.chain->Abort(attempt.id.txid);  // also what a failed Stage has left
  if (staged_ < attempt.id.txid) return;
  staged_ = attempt.id.txid.Prev();
  auto before = attempts_.find(staged_);
  staged_attempt_ = before == attempts_.end() ? applied_attempt_ : before->second.id.attempt;
}

void Task::Release(InFlight& attempt) {
  attempt.inbox->Clear();
  idle_inboxes_.push_back(std::move(attempt.inbox));
  idle_chains_.push_back(std::move(attempt.chain));
}

}  // namespace trident
