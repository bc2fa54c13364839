// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/cluster_worker.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "base/overloaded.h"
#include "base/partition_assignment.h"
#include "state/disk/store_claim.h"
#include "state/disk/store_identity.h"
#include "state/disk/stored_expiry.h"
#include "trident/run/parts/stream_names.h"

namespace trident {

// The leader's end, as the parts of one epoch see it.
struct ClusterWorker::EpochParts final : public LeaderLink {
  EpochParts(ClusterWorker& worker, Epoch epoch) : owner(worker), epoch(epoch) {}

  // A vote is told when the record is durable.
  void Tell(GroupId group, WordToLeader word) override {
    if (const auto* voted = std::get_if<word::Voted>(&word)) return owner.Queue(Staged{voted->id});
    if (const auto* emitted = std::get_if<word::Emitted>(&word)) owner.CountRows(*emitted);
    owner.seams_.tell(GroupWordToLeader{epoch, group, std::move(word)});
  }

  ClusterWorker& owner;
  const Epoch epoch;
  std::unique_ptr<WorkerParts> parts;
};

namespace {

Status CheckPlan(const Plan& plan) {
  for (const LogicalNode& node : plan.logical->nodes()) {
    if (node.writes != nullptr && node.writes->user_defined()) {
      return FailedPrecondition(
          "state ", node.writes->spec().name,
          " is one of the program's own; several workers can only have states of "
          "the engine so far. Run the topology as one process");
    }
    if (node.queries != nullptr && !plan.logical->IsRequest(node.id)) {
      return FailedPrecondition(
          "step \"", LogicalPlan::StepName(node),
          "\" queries a state within a stream; several workers cannot do that so "
          "far. Run the topology as one process");
    }
  }
  return absl::OkStatus();
}

const BatchId& IdOf(const WordToWorker& word) {
  return std::visit(
      Overloaded{[](const word::Abort& abort) -> const BatchId& { return abort.cancelled.front(); },
                 [](const auto& other) -> const BatchId& { return other.id; }},
      word);
}

bool IsEmpty(const WordToWorker& word) {
  const auto* abort = std::get_if<word::Abort>(&word);
  return abort != nullptr && abort->cancelled.empty();
}

}  // namespace

StatusOr<std::unique_ptr<ClusterWorker>> ClusterWorker::Open(Plan plan, const RunOptions& options,
                                                             Seams seams) {
  TRIDENT_RETURN_IF_ERROR(CheckPlan(plan));
  std::unique_ptr<ClusterWorker> worker(
      new ClusterWorker(std::move(plan), options, std::move(seams)));
  TRIDENT_RETURN_IF_ERROR(NumberByName(*worker->seams_.store, worker->plan_, worker->names_));
  TRIDENT_RETURN_IF_ERROR(worker->Claim());
  TRIDENT_ASSIGN_OR_RETURN(Remembered remembered, worker->log_.Load(worker->plan_.group_ids));
  TRIDENT_ASSIGN_OR_RETURN(worker->marks_, MarkFile::Open(options.state_dir, options.executors));
  for (const std::string& call : worker->marks_->CallsBesideBatches()) {
    TRIDENT_LOG(WARN) << "the last process ended " << call << "; no batch is to blame for that";
  }
  MutexLock lock(worker->mutex_);
  for (const GroupId group : worker->plan_.group_ids) {
    const std::optional<LastLife> life = worker->marks_->LastLifeOf(group);
    if (life) worker->ended_[group] = *life;
  }
  for (const GroupReport& group : remembered.groups) {
    worker->decided_written_[group.group] = group.known;
  }
  worker->protocol_ = std::make_unique<ParticipantProtocol>(
      worker->seams_.worker, worker->seams_.life, std::move(remembered));
  return worker;
}

ClusterWorker::ClusterWorker(Plan plan, const RunOptions& options, Seams seams)
    : plan_(std::move(plan)), options_(options), seams_(std::move(seams)), log_(*seams_.store) {}

ClusterWorker::~ClusterWorker() { Stop(); }

// The states are made when the first epoch begins. But a promise is never in a store of nobody.
Status ClusterWorker::Claim() {
  const StoreOwner owner = WorkerParts::OwnerOf(plan_, seams_.worker, seams_.workers);
  TRIDENT_RETURN_IF_ERROR(StoreClaim::Make(*seams_.store, owner).status());
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity found, ReadIdentity(*seams_.store));
  if (found.owner) return absl::OkStatus();
  PutOwner(owner, claim_);
  PutNextState(found.next_state, claim_);
  return absl::OkStatus();
}

Status ClusterWorker::ClaimStore(std::string_view directory) {
  WriteSet changes = std::exchange(claim_, {});
  if (!directory.empty()) ParticipantLog::AddDirectory(directory, changes);
  ParticipantLog::AddLife(seams_.life, changes);
  return seams_.store->Write(changes, Durability::kSynced);
}

// ---- what the leader says ----

void ClusterWorker::Hear(LeaderWord says) {
  MutexLock lock(mutex_);
  if (stops_) return;
  std::visit(Overloaded{[&](GroupWordToWorker& word)
                            TRIDENT_REQUIRES(mutex_) { Hear(std::move(word.word)); },
                        [&](Welcome& word) TRIDENT_REQUIRES(mutex_) { welcome_ = std::move(word); },
                        // Those who connect the worker, and who answer reads, hear these.
                        [](const word::LeaseRound&) {}, [](const Farewell&) {},
                        [&](const auto& word) TRIDENT_REQUIRES(mutex_) { Step(word); }},
             says);
}

void ClusterWorker::Hear(WordToWorker word) {
  if (IsEmpty(word)) return;
  const BatchId& id = IdOf(word);
  const auto& groups = plan_.group_ids;
  if (std::find(groups.begin(), groups.end(), id.group) == groups.end()) return;
  if (const auto* permit = std::get_if<word::Permit>(&word)) return Step(*permit);
  if (const auto* abort = std::get_if<word::Abort>(&word)) return Step(*abort);
  if (const auto* apply = std::get_if<word::Apply>(&word)) return Step(*apply);
  if (id.attempt.epoch == protocol_->joined()) Pass(std::move(word));
}

void ClusterWorker::Step(const ParticipantEvent& event) {
  std::vector<ParticipantAction> actions;
  protocol_->Step(event, actions);
  for (ParticipantAction& action : actions) Perform(std::move(action));
}

void ClusterWorker::Perform(ParticipantAction action) {
  const auto say = [&](const BatchId& id, WordToLeader word) {
    seams_.tell(GroupWordToLeader{id.attempt.epoch, id.group, std::move(word)});
  };
  std::visit(Overloaded{
                 [&](word::Promised& promised) TRIDENT_REQUIRES(mutex_) {
                   const bool executors_work = ends_executors_ || !ending_.empty();
                   if (executors_work) promised_ = std::move(promised);
                   if (!executors_work) TellPromised(std::move(promised));
                 },
                 [&](word::LogWritten& written) { seams_.tell(written); },
                 [&](word::Refused& refused) { seams_.tell(refused); },
                 [&](word::Voted& voted) { say(voted.id, voted); },
                 [&](word::Voided& voided) { say(voided.id, voided); },
                 [&](word::Permit& permit) TRIDENT_REQUIRES(mutex_) {
                   permits_[permit.id] = permit;
                   Pass(permit);
                 },
                 [&](word::Abort& abort) TRIDENT_REQUIRES(mutex_) {
                   ForgetAttempts(abort);
                   Pass(std::move(abort));
                 },
                 [&](participant_action::Forget&) TRIDENT_REQUIRES(mutex_) { ForgetEpoch(); },
                 [&](participant_action::WriteRecord& write)
                     TRIDENT_REQUIRES(mutex_) { AskForRecord(write); },
                 [&](word::WriteLog& write) { Queue(std::move(write)); },
                 [&](participant_action::WritePromise& write) { Queue(write); },
                 [&](participant_action::DropRecords& drop) { Queue(drop); },
                 [&](participant_action::ApplyStaged& apply) TRIDENT_REQUIRES(mutex_) {
                   Queue(Decided{apply.id});
                   Pass(word::Apply{apply.id});
                   permits_.erase(apply.id);
                 },
                 [&](participant_action::ApplyRecord& apply) { Queue(Decided{apply.id}); },
                 [&](participant_action::Join& join) TRIDENT_REQUIRES(mutex_) {
                   to_begin_ = join.epoch;
                   epoch_changed_.NotifyAll();
                 },
                 [&](participant_action::Damaged& damaged) { Fail(damaged.cause); },
             },
             action);
}

// Comes when no executor works: what these did is known then, and nobody reads the sources.
void ClusterWorker::TellPromised(word::Promised promised) {
  for (GroupReport& group : promised.groups) {
    group.log = log_.LogOf(group.group);
    const auto ended = ended_.find(group.group);
    if (ended != ended_.end()) group.last_life = ended->second;
  }
  seams_.tell(std::move(promised));
}

void ClusterWorker::Pass(WordToWorker word) {
  if (parts_ == nullptr) {
    waiting_.push_back(std::move(word));
    return;
  }
  if (const auto* publish = std::get_if<word::Publish>(&word)) {
    if (!parts_->parts->desk().HasApplied(publish->id)) {
      return Fail(Internal("batch group ", publish->id.group.value(), ": worker ",
                           seams_.worker.value(), " is told to publish attempt ",
                           ToString(publish->id.attempt), " of txid ", publish->id.txid.value(),
                           ", which it has not applied"));
    }
    if (publish->id.txid > decided_written_[publish->id.group]) {
      held_.push_back(*publish);
      return;
    }
  }
  if (const auto* emit = std::get_if<word::Emit>(&word)) {
    const auto& here = std::as_const(parts_->parts->worker()).emitters();
    const auto is_asked = [&](const Worker::Emitter& each) { return each.id == emit->emitter; };
    if (std::none_of(here.begin(), here.end(), is_asked)) return;
  }
  parts_->parts->desk().Tell(std::move(word));
}

void ClusterWorker::ForgetAttempts(const word::Abort& abort) {
  for (const BatchId& cancelled : abort.cancelled) {
    const auto is_over = [&](const auto& entry) {
      const BatchId& id = entry.first;
      return id.group == cancelled.group && id.txid == cancelled.txid &&
             id.attempt <= cancelled.attempt;
    };
    std::erase_if(permits_, is_over);
    std::erase_if(made_, is_over);
  }
}

void ClusterWorker::ForgetEpoch() {
  if (parts_ != nullptr) ending_.push_back(std::move(parts_));
  parts_ = nullptr;
  to_begin_.reset();
  waiting_.clear();
  held_.clear();
  permits_.clear();
  made_.clear();
  epoch_changed_.NotifyAll();
}

// ---- what it writes ----

void ClusterWorker::AskForRecord(const participant_action::WriteRecord& action) {
  const auto made = made_.find(action.id);
  TRIDENT_CHECK(made != made_.end()) << "a record is asked for of what is not staged";
  Queue(Record{action.id, action.record, std::move(made->second)});
  made_.erase(made);
}

void ClusterWorker::Queue(Write write) {
  MutexLock lock(queue_mutex_);
  queue_.push_back(std::move(write));
  queue_changed_.NotifyOne();
}

std::deque<ClusterWorker::Write> ClusterWorker::TakeWrites() {
  MutexLock lock(queue_mutex_);
  return std::exchange(queue_, {});
}

bool ClusterWorker::AllIsWritten() {
  MutexLock lock(queue_mutex_);
  return queue_.empty() && !writing_;
}

bool ClusterWorker::WriteOnce() {
  {
    MutexLock lock(queue_mutex_);
    if (queue_.empty() || failed_) return false;
    writing_ = true;
  }
  WriteSet changes;
  std::vector<Write> added;
  bool is_synced = false;
  Status status;
  for (std::deque<Write> writes = TakeWrites(); !writes.empty(); writes = TakeWrites()) {
    for (Write& write : writes) {
      if (const auto* staged = std::get_if<Staged>(&write)) {
        Prepare(staged->id);
        continue;
      }
      const StatusOr<bool> must_be_durable = Add(write, changes);
      if (!must_be_durable.ok()) return Fail(must_be_durable.status()), true;
      is_synced |= *must_be_durable;
      added.push_back(std::move(write));
    }
  }
  if (!changes.empty()) {
    const bool syncs = is_synced && options_.sync == CommitSync::kFsync;
    status = seams_.store->Write(changes, syncs ? Durability::kSynced : Durability::kBuffered);
  }
  if (!status.ok()) return Fail(status), true;
  MutexLock lock(mutex_);
  {
    MutexLock queue(queue_mutex_);
    writing_ = false;
  }
  for (const Write& write : added) TellWritten(write);
  epoch_changed_.NotifyAll();
  return true;
}

void ClusterWorker::Prepare(const BatchId& id) {
  std::shared_ptr<EpochParts> parts;
  {
    MutexLock lock(mutex_);
    if (parts_ == nullptr || parts_->epoch != id.attempt.epoch) return;
    parts = parts_;
  }
  WriteSet redo;
  const std::optional<VoteRecord> vote = parts->parts->desk().TakeRedo(id, redo);
  if (!vote) return;  // it was aborted
  MutexLock lock(mutex_);
  const auto permit = permits_.find(id);
  if (permit == permits_.end()) return;
  PreparedRecord record{.txid = id.txid,
                        .attempt = id.attempt,
                        .previous = permit->second.prev_attempt,
                        .rows = vote->rows,
                        .checksum = vote->checksum,
                        .cut = permit->second.cut};
  made_[id] = std::move(redo);
  Step(participant_event::Staged{id, std::move(record)});
}

StatusOr<bool> ClusterWorker::Add(Write& write, WriteSet& changes) {
  if (const auto* decided = std::get_if<Decided>(&write)) {
    TRIDENT_RETURN_IF_ERROR(log_.AddDecision(decided->id, changes));
    return false;
  }
  std::visit(
      Overloaded{
          [&](Record& record) {
            log_.AddRecord(record.id, record.record, std::move(record.redo), changes);
          },
          [&](const participant_action::WritePromise& promise) {
            changes.Append(std::exchange(claim_, {}));
            ParticipantLog::AddPromise(promise.epoch, changes);
          },
          [&](const participant_action::DropRecords& drop) { log_.AddDrop(drop.id, changes); },
          [&](const word::WriteLog& log) { log_.AddLog(log, changes); }, [](const auto&) {}},
      write);
  return true;
}

void ClusterWorker::TellWritten(const Write& write) {
  std::visit(
      Overloaded{[&](const Record& record) TRIDENT_REQUIRES(mutex_) {
                   Step(participant_event::RecordWritten{record.id});
                 },
                 [&](const participant_action::WritePromise& promise) TRIDENT_REQUIRES(mutex_) {
                   Step(participant_event::PromiseWritten{promise.epoch});
                 },
                 [&](const participant_action::DropRecords& drop)
                     TRIDENT_REQUIRES(mutex_) { Step(participant_event::RecordsDropped{drop.id}); },
                 [&](const word::WriteLog& log)
                     TRIDENT_REQUIRES(mutex_) { Step(participant_event::LogWritten{log.epoch}); },
                 [&](const Decided& decided) TRIDENT_REQUIRES(mutex_) {
                   decided_written_[decided.id.group] = decided.id.txid;
                   for (const word::Publish& publish : std::exchange(held_, {})) Pass(publish);
                 },
                 [](const Staged&) {}},
      write);
}

void ClusterWorker::Fail(const Status& cause) {
  {
    MutexLock lock(queue_mutex_);
    failed_ = true;
    writing_ = false;
  }
  seams_.failed(cause);
}

// ---- epochs ----

bool ClusterWorker::ChangeEpochOnce() { return EndEpoch() || BeginEpoch(); }

bool ClusterWorker::EndEpoch() {
  std::vector<std::shared_ptr<EpochParts>> ending;
  {
    MutexLock lock(mutex_);
    ending.swap(ending_);
    ends_executors_ = !ending.empty();
  }
  if (ending.empty()) return false;
  for (const auto& parts : ending) parts->parts->Stop();
  {
    MutexLock lock(mutex_);
    ends_executors_ = false;
    ended_.clear();
    for (const GroupId group : plan_.group_ids) {
      if (const auto life = marks_->LifeOf(group)) ended_[group] = *life;
    }
    if (promised_ && ending_.empty()) TellPromised(*std::exchange(promised_, std::nullopt));
  }
  if (seams_.disconnect != nullptr) seams_.disconnect();
  return true;
}

bool ClusterWorker::BeginEpoch() {
  Epoch epoch;
  {
    MutexLock lock(mutex_);
    // What is settled stands on the disk before anything is read from there.
    if (!to_begin_ || !AllIsWritten()) return false;
    epoch = *std::exchange(to_begin_, std::nullopt);
  }
  StatusOr<std::shared_ptr<EpochParts>> built = Build(epoch);
  if (!built.ok()) return Fail(built.status()), true;
  WorkerParts& parts = *(*built)->parts;
  const auto goes_on = [this, epoch] {
    MutexLock lock(mutex_);
    return !stops_ && protocol_->joined() == epoch;
  };
  const Status connected =
      seams_.connect == nullptr ? absl::OkStatus() : seams_.connect(epoch, goes_on);
  // Nobody else would notice: the leader waits for this worker.
  if (!connected.ok() && goes_on()) Fail(connected);
  if (has_threads_) parts.StartExecutors();
  {
    MutexLock lock(mutex_);
    if (!connected.ok() || protocol_->joined() != epoch) {
      ending_.push_back(*std::move(built));
      return true;
    }
    parts_ = *built;
    for (WordToWorker& word : std::exchange(waiting_, {})) Pass(std::move(word));
  }
  parts.Join();
  if (has_threads_) parts.StartMaintenance();
  return true;
}

// What the life before has left was reported, and counts in the epoch that has started.
void ClusterWorker::BeginMarks() {
  if (std::exchange(marks_have_begun_, true)) return;
  const Status kept = marks_->Begin({});
  if (kept.ok()) return;
  TRIDENT_LOG(WARN) << Message(kept) << "; a row that ends the process will not be found";
}

StatusOr<std::shared_ptr<ClusterWorker::EpochParts>> ClusterWorker::Build(Epoch epoch) {
  BeginMarks();
  auto made = std::make_shared<EpochParts>(*this, epoch);
  TRIDENT_ASSIGN_OR_RETURN(
      made->parts, WorkerParts::Open(plan_, options_, seams_.states,
                                     {.worker = seams_.worker,
                                      .workers = seams_.workers,
                                      .life = seams_.life,
                                      .store = seams_.store,
                                      .decided = &log_,
                                      .clock = seams_.clock,
                                      .network = seams_.network,
                                      .has_task =
                                          [here = seams_.worker, workers = seams_.workers](
                                              const StageSpec& stage, uint32_t task) {
                                            return TaskOfPartition(task, stage.tasks, workers) ==
                                                   here.value();
                                          },
                                      .marks = marks_->marks(),
                                      .maintenance = MaintenanceTells(made.get())}));
  TRIDENT_RETURN_IF_ERROR(made->parts->states().Settle(BeginningOf(epoch)));
  const WorkerParts::Epochs epochs{
      .repeats_cuts = {},
      .history_of =
          [](GroupId) {
            return CommitHistory{Epoch(), {}};
          },
      .positions_of = [this](GroupId group,
                             SpoutId spout) { return log_.PositionsOf(group, spout); },
      .agreed = [this, epoch](SpoutId spout) { return AgreedSources(epoch, spout); }};
  TRIDENT_RETURN_IF_ERROR(made->parts->Build(epochs, made.get()));
  return made;
}

StatusOr<std::vector<std::string>> ClusterWorker::AgreedSources(Epoch epoch, SpoutId spout) const {
  MutexLock lock(mutex_);
  const auto is_it = [&](const Welcome::Spout& each) { return each.spout == spout; };
  const auto found = std::find_if(welcome_.spouts.begin(), welcome_.spouts.end(), is_it);
  if (welcome_.epoch == epoch && found != welcome_.spouts.end()) return found->partitions;
  return Internal("the leader has not said which source partitions spout ", spout.value(),
                  " has in epoch ", epoch.value());
}

WriteSet ClusterWorker::BeginningOf(Epoch epoch) const {
  WriteSet beginning = names_;
  PutEpoch(epoch, beginning);
  for (const LogicalNode& node : plan_.logical->nodes()) {
    if (node.writes == nullptr) continue;
    const StateSpec& state = node.writes->spec();
    PutExpiry(state.name, state.expire_after_micros, beginning);
  }
  return beginning;
}

Maintenance::Callbacks ClusterWorker::MaintenanceTells(EpochParts* of) {
  const auto each_group = [this, of](auto&& call) {
    for (const GroupId group : plan_.group_ids) call(of->parts->desk(), group);
  };
  return {
      .marks = &marks_->sides(),
      .hold =
          [each_group] { each_group([](WorkerDesk& desk, GroupId group) { desk.Hold(group); }); },
      .release =
          [each_group] {
            each_group([](WorkerDesk& desk, GroupId group) { desk.Release(group); });
          },
      .failed = [this](const Status& status) { Fail(status); },
      .folded =
          [this, of] {
            for (const GroupId group : plan_.group_ids) {
              const Status trimmed = log_.Trim(group, of->parts->states().FoldedUpTo(group));
              if (!trimmed.ok()) Fail(trimmed);
            }
          }};
}

Status ClusterWorker::Deliver(DataMessage message) {
  const std::shared_ptr<WorkerParts> parts = this->parts();
  if (parts == nullptr) return Unavailable("no epoch has begun");
  return parts->worker().Deliver(std::move(message));
}

Epoch ClusterWorker::joined() const {
  MutexLock lock(mutex_);
  return protocol_->joined();
}

Epoch ClusterWorker::working_in() const {
  MutexLock lock(mutex_);
  return parts_ == nullptr ? Epoch() : parts_->epoch;
}

ClusterWorker::Working ClusterWorker::working() const {
  MutexLock lock(mutex_);
  if (parts_ == nullptr) return {};
  return {parts_->epoch, {parts_, parts_->parts.get()}};
}

std::vector<WorkMark::Seen> ClusterWorker::Look() const {
  std::vector<WorkMark::Seen> all;
  for (uint32_t i = 0; i < options_.executors; ++i) all.push_back(marks_->marks()[i].Look());
  return all;
}

std::shared_ptr<WorkerParts> ClusterWorker::parts() const { return working().parts; }

// ---- its threads ----

void ClusterWorker::Start() {
  has_threads_ = true;
  writer_thread_ = std::thread([this] { RunWriter(); });
  epoch_thread_ = std::thread([this] { RunEpochs(); });
}

void ClusterWorker::RunWriter() {
  for (;;) {
    if (WriteOnce()) continue;
    MutexLock lock(queue_mutex_);
    while (!stopping_ && (queue_.empty() || failed_)) queue_changed_.Wait(queue_mutex_);
    if (stopping_) return;
  }
}

void ClusterWorker::RunEpochs() {
  for (;;) {
    if (ChangeEpochOnce()) continue;
    MutexLock lock(mutex_);
    if (stops_) return;
    if (!ending_.empty() || (to_begin_ && AllIsWritten())) continue;
    epoch_changed_.Wait(mutex_);
  }
}

void ClusterWorker::Stop() {
  {
    MutexLock lock(mutex_);
    stops_ = true;
    ForgetEpoch();
  }
  if (epoch_thread_.joinable()) epoch_thread_.join();
  EndEpoch();
  {
    MutexLock lock(queue_mutex_);
    stopping_ = true;
    queue_changed_.NotifyAll();
  }
  if (writer_thread_.joinable()) writer_thread_.join();
}

}  // namespace trident
