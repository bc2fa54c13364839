// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/cluster_leader.h"

#include <algorithm>

#include "base/check.h"
#include "base/logging.h"
#include "base/overloaded.h"
#include "coordinator/decision_log.h"
#include "state/disk/memory_store.h"
#include "trident/run/parts/group_config.h"
#include "trident/run/parts/leader_desk.h"

namespace trident {

namespace {

// While an epoch begins, who has not answered is asked again so often.
constexpr Nanos kAskAgainEvery = kSecond;

GroupId GroupOf(const WordToWorker& word) {
  return std::visit(
      Overloaded{[](const word::Abort& abort) { return abort.cancelled.front().group; },
                 [](const auto& other) { return other.id.group; }},
      word);
}

}  // namespace

// Leads the batches of one epoch that has started.
class ClusterLeader::Leading final : private WorkerLink {
 public:
  Leading(ClusterLeader& leader, Epoch epoch, size_t emitters)
      : leader_(leader),
        epoch_(epoch),
        log_(memory_),
        coordinator_({.clock = leader.seams_.clock,
                      .store = &memory_,
                      .log = &log_,
                      .events = leader.seams_.events,
                      .durability = Durability::kBuffered}),
        desk_(
            {.workers = leader.workers_, .emitters = emitters, .changed = leader.seams_.changed}) {
    desk_.Connect(&coordinator_, this);
    coordinator_.Connect(&desk_, nullptr);
  }

  Status Add(GroupConfig config, const Recovered& recovered) {
    WriteSet restored;
    log_.Restore(config.group, recovered, restored);
    TRIDENT_RETURN_IF_ERROR(memory_.Write(restored, Durability::kBuffered));
    return coordinator_.AddGroup(std::move(config), epoch_);
  }
  void Hear(GroupId group, WordToLeader word) { desk_.Tell(group, std::move(word)); }

  Epoch epoch() const { return epoch_; }
  BatchCoordinator& coordinator() { return coordinator_; }
  uint64_t RowsAside() const {
    uint64_t rows = 0;
    for (const GroupId group : coordinator_.groups()) {
      rows += coordinator_.StatusOf(group).rows_diverted;
    }
    return rows;
  }
  bool Ended() const {
    if (!desk_.AllEnded()) return false;
    const std::vector<GroupId> groups = coordinator_.groups();
    return std::all_of(groups.begin(), groups.end(),
                       [this](GroupId group) { return coordinator_.StatusOf(group).idle; });
  }

 private:
  void Tell(WordToWorker word) override {
    if (const auto* emit = std::get_if<word::Emit>(&word)) {
      const std::optional<WorkerId> worker = leader_.placement_.WorkerOf(emit->emitter);
      TRIDENT_CHECK(worker.has_value()) << "no such spout task";
      const GroupId group = emit->id.group;
      return leader_.seams_.tell(*worker, GroupWordToWorker{epoch_, group, std::move(word)});
    }
    if (const auto* publish = std::get_if<word::Publish>(&word)) {
      // The workers keep what was decided. This log needs no more than its end.
      const Status trimmed = log_.Trim(publish->id.group, publish->id.txid);
      TRIDENT_CHECK(trimmed.ok()) << Message(trimmed);
    }
    const GroupWordToWorker told{epoch_, GroupOf(word), std::move(word)};
    for (const WorkerId worker : leader_.workers_) leader_.seams_.tell(worker, told);
  }

  ClusterLeader& leader_;
  const Epoch epoch_;
  MemoryStore memory_;
  DecisionLog log_;
  BatchCoordinator coordinator_;
  LeaderDesk desk_;
};

ClusterLeader::ClusterLeader(Plan plan, const RunOptions& options, Seams seams)
    : plan_(std::move(plan)),
      options_(options),
      seams_(std::move(seams)),
      placement_(seams_.workers, MakeStages(plan_, {}), 0) {
  for (uint32_t worker = 0; worker < seams_.workers; ++worker) workers_.emplace_back(worker);
}

ClusterLeader::~ClusterLeader() { Stop(); }

// ---- what it hears ----

void ClusterLeader::OnConnected(WorkerId worker, const Life& life) {
  Post(Connected{worker, life});
}

void ClusterLeader::OnGone(WorkerId worker, Incarnation life) { Post(Gone{worker, life}); }

// A word about batches goes straight to the coordinator, on the thread that brought it.
void ClusterLeader::Hear(WorkerId worker, WorkerWord says) {
  auto* batch = std::get_if<GroupWordToLeader>(&says);
  if (batch == nullptr) return Post(Said{worker, std::move(says)});
  const auto& groups = plan_.group_ids;
  if (std::find(groups.begin(), groups.end(), batch->group) == groups.end()) return;
  const std::shared_ptr<Leading> leading = FindLeading();
  if (leading == nullptr || leading->epoch() != batch->epoch) return;
  if (!MaySay(worker, batch->word)) return;
  leading->Hear(batch->group, std::move(batch->word));
}

// The protocol knows whom it may hear of what. A worker speaks for itself and for its spout tasks.
bool ClusterLeader::MaySay(WorkerId worker, const WordToLeader& word) const {
  const auto has = [&](EmitterId emitter) { return placement_.WorkerOf(emitter) == worker; };
  return std::visit(
      [&](const auto& each) {
        if constexpr (requires { each.worker; }) {
          return each.worker == worker;
        } else if constexpr (requires { each.emitter.spout; }) {
          return has(each.emitter);
        } else if constexpr (requires { each.emitter; }) {
          return !each.emitter || has(*each.emitter);
        } else {
          return true;
        }
      },
      word);
}

void ClusterLeader::Post(Event event) {
  MutexLock lock(mutex_);
  events_.push_back(std::move(event));
  changed_.NotifyAll();
}

void ClusterLeader::TakeIn(const Connected& event) {
  Life& life = lives_[event.worker];
  const Incarnation before = life.incarnation;
  if (event.life.incarnation < before) return;
  // Its memory is gone, and with it what it has staged.
  if (event.life.incarnation > before && before != Incarnation() && leading() != Epoch()) {
    must_begin_ = true;
  }
  life = event.life;
  if (must_begin_) return;
  to_step_.push_back(takeover_event::Connected{event.worker, life.incarnation});
}

void ClusterLeader::TakeIn(const Gone& event) {
  const auto life = lives_.find(event.worker);
  if (life == lives_.end() || life->second.incarnation != event.life) return;
  if (!has_said_farewell_) {
    TRIDENT_LOG(WARN) << "worker " << event.worker.value() << " is gone; batches wait for it";
  }
  lives_.erase(life);
  must_begin_ = true;
}

void ClusterLeader::TakeIn(Said& event) {
  const auto step = [&](auto& word) {
    if (word.worker == event.worker) to_step_.emplace_back(std::move(word));
  };
  if (auto* promised = std::get_if<word::Promised>(&event.says)) step(*promised);
  if (auto* written = std::get_if<word::LogWritten>(&event.says)) step(*written);
  if (auto* refused = std::get_if<word::Refused>(&event.says)) step(*refused);
}

// ---- epochs ----

bool ClusterLeader::RunOnce() {
  std::deque<Event> events;
  {
    MutexLock lock(mutex_);
    if (failed_) return false;
    events.swap(events_);
  }
  bool worked = !events.empty();
  for (Event& event : events) {
    std::visit([this](auto& each) { TakeIn(each); }, event);
  }
  if (must_begin_) {
    worked = true;
    BeginEpoch();
  }
  for (; !to_step_.empty(); to_step_.pop_front()) {
    worked = true;
    Step(TakeoverEvent(std::move(to_step_.front())));
  }
  if (has_threads_) return worked;
  const std::shared_ptr<Leading> leading = FindLeading();
  return (leading != nullptr && leading->coordinator().RunOnce()) || worked;
}

// What the workers have of a group is settled by those who know it. A version without the group
// would begin an epoch of its own meanwhile, and then it could not be settled any more.
Status ClusterLeader::CheckGroups(const EpochRecord& last) const {
  for (const GroupStart& start : last.groups) {
    const auto& planned = plan_.group_ids;
    if (std::find(planned.begin(), planned.end(), start.group) != planned.end()) continue;
    return FailedPrecondition(
        "the workers have batch group ", start.group.value(), " up to txid ", start.decided.value(),
        " at least, and this version of the topology does not declare its stream; several workers "
        "cannot give up a stream so far: declare it again, or run the version before");
  }
  return absl::OkStatus();
}

void ClusterLeader::BeginEpoch() {
  EndEpoch();
  must_begin_ = false;
  to_step_.clear();
  const StatusOr<EpochRecord> last = seams_.epochs->Read();
  if (!last.ok()) return Fail(last.status());
  if (const Status known = CheckGroups(*last); !known.ok()) return Fail(known);
  mine_ = NextEpoch(*last, workers_, workers_);
  mine_.leader_life = seams_.life;
  for (const GroupId group : plan_.group_ids) {
    const auto is_it = [&](const GroupStart& start) { return start.group == group; };
    if (std::none_of(mine_.groups.begin(), mine_.groups.end(), is_it)) {
      mine_.groups.push_back({.group = group, .decided = TxId(), .attempt = Attempt()});
    }
  }
  if (const Status begun = seams_.epochs->CompareAndSet(*last, mine_); !begun.ok()) {
    return Fail(begun);
  }
  std::vector<GroupConfig> configs;
  for (const GroupId group : plan_.group_ids) configs.push_back(ConfigOf(group));
  takeover_ = std::make_unique<Takeover>(mine_, configs);
  for (const auto& [worker, life] : lives_) {
    to_step_.push_back(takeover_event::Connected{worker, life.incarnation});
  }
}

Welcome ClusterLeader::WelcomeTo(Epoch epoch) const {
  Welcome welcome;
  welcome.epoch = epoch;
  welcome.spouts = sources_;
  for (const auto& [worker, life] : lives_) {
    welcome.workers.push_back({worker, life.incarnation, life.exchange_address});
  }
  return welcome;
}

void ClusterLeader::EndEpoch() {
  takeover_.reset();
  std::shared_ptr<Leading> leading;
  {
    MutexLock lock(mutex_);
    leading.swap(leading_);
  }
  if (leading == nullptr) return;
  leading->coordinator().Stop();
  MutexLock lock(mutex_);
  rows_aside_before_ += leading->RowsAside();
}

uint64_t ClusterLeader::RowsAside() const {
  const std::shared_ptr<Leading> leading = FindLeading();
  MutexLock lock(mutex_);
  return rows_aside_before_ + (leading == nullptr ? 0 : leading->RowsAside());
}

void ClusterLeader::Step(const TakeoverEvent& event) {
  if (takeover_ == nullptr) return;
  std::vector<TakeoverAction> actions;
  takeover_->Step(event, actions);
  std::vector<WorkerId> awaited = takeover_->awaited();
  {
    MutexLock lock(mutex_);
    awaited_.swap(awaited);
  }
  // Who is told that the epoch has started may answer at once, and must be heard then.
  const auto leads = [](const TakeoverAction& action) {
    return std::holds_alternative<takeover_action::Lead>(action);
  };
  std::stable_partition(actions.begin(), actions.end(), leads);
  for (const TakeoverAction& action : actions) {
    Perform(action);
    if (takeover_ == nullptr) return;  // it failed
  }
}

void ClusterLeader::Perform(const TakeoverAction& action) {
  std::visit(Overloaded{
                 [&](const takeover_action::Ask& ask) { seams_.tell(ask.worker, ask.word); },
                 [&](const takeover_action::WriteLog& log) { seams_.tell(log.worker, log.word); },
                 [&](const takeover_action::WriteStart& write) {
                   const Status written = seams_.epochs->CompareAndSet(mine_, write.record);
                   if (!written.ok() && !absl::IsAborted(written)) return Fail(written);
                   if (written.ok()) mine_ = write.record;
                   to_step_.push_back(takeover_event::StartWritten{written});
                 },
                 [&](const takeover_action::Tell& tell) {
                   seams_.tell(tell.worker, WelcomeTo(mine_.epoch));
                   seams_.tell(tell.worker, tell.word);
                 },
                 [&](const takeover_action::Lead& lead) { Lead(lead); },
                 [&](const takeover_action::GiveUp& give_up) {
                   // A worker that started again is asked in a new epoch; nothing else mends
                   // itself.
                   if (!absl::IsUnavailable(give_up.cause)) return Fail(give_up.cause);
                   must_begin_ = true;
                 },
             },
             action);
}

StatusOr<std::vector<Welcome::Spout>> ClusterLeader::ListSourcesOf(
    const takeover_action::Lead& lead) const {
  std::vector<Welcome::Spout> all;
  for (const auto& [node, id] : plan_.spouts) {
    Spout& spout = *plan_.logical->node(node).spout;
    if (spout.ReadsInOneProcess()) continue;
    std::vector<SourcePosition> committed;
    for (const auto& group : lead.groups) {
      if (group.group != plan_.groups.at(node)) continue;
      for (const SpoutPosition& at : group.recovered.positions) {
        if (at.spout == id) committed.push_back(at.at);
      }
    }
    auto listed = ListSources(spout, std::move(committed));
    if (!listed.ok()) {
      return Annotate(listed.status(), Concat("spout \"", plan_.logical->node(node).name, "\""));
    }
    all.push_back({id, *std::move(listed)});
  }
  return all;
}

void ClusterLeader::Lead(const takeover_action::Lead& lead) {
  StatusOr<std::vector<Welcome::Spout>> sources = ListSourcesOf(lead);
  if (!sources.ok()) return Fail(sources.status());
  sources_ = *std::move(sources);
  size_t emitters = 0;
  for (const auto& each : lead.groups) {
    for (const SpoutConfig& spout : ConfigOf(each.group).spouts) emitters += spout.tasks;
  }
  auto leading = std::make_shared<Leading>(*this, mine_.epoch, emitters);
  for (const auto& each : lead.groups) {
    GroupConfig config = ConfigOf(each.group);
    config.deaths = each.deaths;
    TellOfDeaths(each.group, each.deaths);
    const Status added = leading->Add(std::move(config), each.recovered);
    if (!added.ok()) return Fail(added);
  }
  TRIDENT_LOG(INFO) << "epoch " << mine_.epoch.value() << " has started, of " << workers_.size()
                    << " workers";
  if (has_threads_) leading->coordinator().Start();
  bool is_paused = false;
  {
    MutexLock lock(mutex_);
    leading_ = leading;
    is_paused = paused_;
  }
  if (is_paused) leading->coordinator().PostAll(batch_event::Pause{});
}

void ClusterLeader::TellOfDeaths(GroupId group, const std::optional<EarlierDeaths>& deaths) {
  if (!deaths || told_deaths_[group] == deaths->deaths) return;
  told_deaths_[group] = deaths->deaths;
  TRIDENT_LOG(WARN) << "a worker ended, " << deaths->cause << "; " << TextOf(*deaths, group);
}

GroupConfig ClusterLeader::ConfigOf(GroupId group) const {
  GroupConfig config = GroupConfigOf(group, plan_, options_);
  config.commit = CommitBy::kVotes;
  config.voters = workers_;
  return config;
}

void ClusterLeader::Fail(const Status& cause) {
  {
    MutexLock lock(mutex_);
    failed_ = true;
  }
  must_begin_ = false;
  EndEpoch();
  seams_.failed(cause);
}

std::shared_ptr<ClusterLeader::Leading> ClusterLeader::FindLeading() const {
  MutexLock lock(mutex_);
  return leading_;
}

std::optional<Nanos> ClusterLeader::NextTick() const {
  const std::shared_ptr<Leading> leading = FindLeading();
  return leading == nullptr ? std::nullopt : leading->coordinator().NextTick();
}

bool ClusterLeader::Ended() const {
  const std::shared_ptr<Leading> leading = FindLeading();
  return leading != nullptr && leading->Ended();
}

void ClusterLeader::SayFarewell() const {
  const Epoch epoch = leading();
  if (epoch == Epoch()) return;
  has_said_farewell_ = true;
  for (const WorkerId worker : workers_) seams_.tell(worker, Farewell{epoch});
}

std::optional<GroupStatus> ClusterLeader::StatusOf(GroupId group) const {
  const std::shared_ptr<Leading> leading = FindLeading();
  if (leading == nullptr) return std::nullopt;
  return leading->coordinator().StatusOf(group);
}

std::optional<GroupCounters> ClusterLeader::CountersOf(GroupId group) const {
  const std::shared_ptr<Leading> leading = FindLeading();
  if (leading == nullptr) return std::nullopt;
  return leading->coordinator().CountersOf(group);
}

void ClusterLeader::Pause() {
  {
    MutexLock lock(mutex_);
    paused_ = true;
  }
  if (const auto leading = FindLeading()) leading->coordinator().PostAll(batch_event::Pause{});
}

void ClusterLeader::Resume() {
  {
    MutexLock lock(mutex_);
    paused_ = false;
  }
  if (const auto leading = FindLeading()) leading->coordinator().PostAll(batch_event::Resume{});
}

Epoch ClusterLeader::leading() const {
  const std::shared_ptr<Leading> leading = FindLeading();
  return leading == nullptr ? Epoch() : leading->epoch();
}

std::vector<WorkerId> ClusterLeader::awaited() const {
  MutexLock lock(mutex_);
  return awaited_;
}

// ---- its thread ----

void ClusterLeader::Start() {
  has_threads_ = true;
  thread_ = std::thread([this] { Run(); });
}

void ClusterLeader::Run() {
  for (;;) {
    if (RunOnce()) continue;
    bool asks_again = false;
    {
      MutexLock lock(mutex_);
      if (stops_) return;
      if (events_.empty() || failed_) asks_again = !changed_.WaitFor(mutex_, kAskAgainEvery);
      if (stops_) return;
    }
    if (asks_again && leading() == Epoch()) AskAgain();
  }
}

// An answer may have been lost with the stream that was to carry it.
void ClusterLeader::AskAgain() {
  for (const auto& [worker, life] : lives_) Post(Connected{worker, life});
}

void ClusterLeader::Stop() {
  {
    MutexLock lock(mutex_);
    stops_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  EndEpoch();
}

}  // namespace trident
