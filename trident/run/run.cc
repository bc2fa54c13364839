// SPDX-License-Identifier: Apache-2.0
#include "trident/run/run.h"

#include <atomic>
#include <utility>

#include "base/logging.h"
#include "coordinator/batch_coordinator.h"
#include "coordinator/decision_log.h"
#include "coordinator/drpc_server.h"
#include "coordinator/server.h"
#include "engine/worker.h"
#include "state/memory_store.h"
#include "state/rocks_store.h"
#include "state/state_store.h"
#include "state/store_identity.h"
#include "trident/explain.h"
#include "trident/planner.h"
#include "trident/run/maintenance.h"
#include "trident/run/request_chain.h"
#include "trident/run/topology_view.h"
#include "trident/run/worker_bridge.h"

namespace trident {
namespace {

constexpr WorkerId kThisWorker{0};
constexpr Incarnation kThisLife{1};

GroupConfig ConfigOf(GroupId group, const RunOptions& options,
                     const std::vector<StageSpec>& stages) {
  GroupConfig config;
  config.group = group;
  config.max_pending = options.max_pending;
  config.limits = {options.batch_rows, options.batch_bytes};
  config.age_max = options.batch_age;
  config.retry_limit = options.retry_limit;
  config.policy =
      options.on_failure == OnFailure::kStop ? FailurePolicy::kStop : FailurePolicy::kDeadLetter;
  config.voters = {kThisWorker};
  for (const StageSpec& stage : stages) {
    if (stage.group != group || stage.spout == nullptr) continue;
    config.spouts.push_back({stage.spout_id, stage.spout->kind(), stage.tasks});
  }
  return config;
}

// A topology in this process, in the order in which its parts depend on each other.
class LocalRun final : public Run, private CoordinatorEvents {
 public:
  explicit LocalRun(RunOptions options) : options_(std::move(options)), drpc_(RealClock()) {}
  ~LocalRun() override { Shutdown(); }

  Status Open(const Topology& topology);
  void Begin();

  Status AwaitEnd() override;
  StatusOr<bool> AwaitEndFor(Nanos timeout) override;
  Status AwaitCommitted(GroupId group, TxId txid, Nanos timeout) override;
  void Stop() override;
  void Pause() override { coordinator_->PostAll(batch_event::Pause{}); }
  void Resume() override { coordinator_->PostAll(batch_event::Resume{}); }
  StatusOr<DrpcRows> Drpc(std::string_view function, std::string_view args, Nanos timeout) override;
  const StateCatalog& states() const override { return *states_; }
  std::vector<RunProgress> progress() const override;
  std::string address() const override {
    return server_ == nullptr ? std::string() : server_->address();
  }

 private:
  Status OpenStore();
  Status OpenStates(const std::string& topology, const Plan& plan);
  Status BuildWorker(const Plan& plan);
  Status Serve(const Plan& plan);
  void Shutdown();
  void TrimDecisions();
  bool EndedOrHalted() TRIDENT_REQUIRES(mutex_);
  void Changed();
  Status Outcome() TRIDENT_REQUIRES(mutex_);

  void OnHalted(GroupId group, const Status& cause) override;
  void OnDrained(GroupId, TxId) override {}

  const RunOptions options_;
  std::unique_ptr<DurableStore> store_;
  std::unique_ptr<DecisionLog> log_;
  std::unique_ptr<StateStore> states_;
  std::unique_ptr<BatchCoordinator> coordinator_;
  std::unique_ptr<WorkerBridge> bridge_;
  std::unique_ptr<Worker> worker_;
  DrpcServer drpc_;
  std::unique_ptr<LocalControl> control_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Maintenance> maintenance_;
  DeadLetterStates dead_letters_;
  std::vector<GroupId> groups_;
  Epoch epoch_;

  mutable Mutex mutex_;
  CondVar changed_;
  uint64_t changes_ TRIDENT_GUARDED_BY(mutex_) = 0;
  bool stopped_ TRIDENT_GUARDED_BY(mutex_) = false;
  Status halted_ TRIDENT_GUARDED_BY(mutex_);
};

Status LocalRun::OpenStore() {
  MemoryShares shares = ShareMemory(options_.memory_bytes);
  if (options_.state_dir.empty()) {
    store_ = std::make_unique<MemoryStore>();
    return absl::OkStatus();
  }
  RocksStoreOptions rocks;
  rocks.dir = options_.state_dir;
  rocks.cache_bytes = shares.block_cache;
  rocks.write_buffer_bytes = shares.write_buffers;
  TRIDENT_ASSIGN_OR_RETURN(store_, RocksStore::Open(rocks));
  return absl::OkStatus();
}

Status LocalRun::OpenStates(const std::string& topology, const Plan& plan) {
  log_ = std::make_unique<DecisionLog>(*store_);
  TRIDENT_RETURN_IF_ERROR(log_->Load());
  StateStoreOptions state_options;
  state_options.state_bytes = ShareMemory(options_.memory_bytes).state;
  state_options.readable_versions = options_.readable_versions;
  TRIDENT_ASSIGN_OR_RETURN(
      states_, StateStore::Open(*store_, StoreOwner{.topology = topology}, *log_, state_options));
  for (const LogicalNode& node : plan.logical->nodes()) {
    if (node.writes == nullptr) continue;
    TRIDENT_RETURN_IF_ERROR(node.writes->Open(*states_, plan.groups[node.id]));
  }
  // Always there, so that the policy may change from run to run.
  for (uint32_t i = 1; i <= plan.group_count; ++i) {
    std::shared_ptr<DeadLetterState> letters = DeclareDeadLetters(GroupId(i));
    TRIDENT_RETURN_IF_ERROR(letters->Open(*states_, GroupId(i)));
    if (options_.on_failure == OnFailure::kDeadLetter) dead_letters_[GroupId(i)] = letters;
  }
  TRIDENT_ASSIGN_OR_RETURN(RecoveryReport report, states_->Recover());
  TRIDENT_LOG(INFO) << "recovered " << report.records_replayed << " batches of "
                    << options_.state_dir;
  TRIDENT_ASSIGN_OR_RETURN(epoch_, BeginEpoch(*store_));
  return absl::OkStatus();
}

Status LocalRun::BuildWorker(const Plan& plan) {
  std::vector<StageSpec> stages = MakeStages(plan, dead_letters_);
  coordinator_ = std::make_unique<BatchCoordinator>(BatchCoordinator::Options{
      .store = store_.get(),
      .log = log_.get(),
      .events = this,
      .durability =
          options_.sync == CommitSync::kFsync ? Durability::kSynced : Durability::kBuffered});
  bridge_ = std::make_unique<WorkerBridge>(WorkerBridge::Options{
      .states = states_.get(), .worker = kThisWorker, .incarnation = kThisLife, .changed = [this] {
        Changed();
      }});
  coordinator_->Connect(bridge_.get());
  WorkerOptions worker;
  worker.executors = options_.executors;
  worker.events = bridge_.get();
  worker.incarnation = kThisLife;
  for (uint32_t i = 1; i <= plan.group_count; ++i) {
    GroupId group(i);
    groups_.push_back(group);
    Recovered recovered = log_->Recover(group, epoch_);
    worker.applied[group] = {group, recovered.last_decided, recovered.last_attempt};
    TRIDENT_RETURN_IF_ERROR(coordinator_->AddGroup(ConfigOf(group, options_, stages), epoch_));
  }
  worker_ = std::make_unique<Worker>(std::move(worker));
  TRIDENT_RETURN_IF_ERROR(worker_->Build(stages));
  bridge_->Connect(worker_.get(), coordinator_.get());
  return absl::OkStatus();
}

Status LocalRun::Open(const Topology& topology) {
  TRIDENT_ASSIGN_OR_RETURN(auto logical, topology.Build());
  TRIDENT_ASSIGN_OR_RETURN(Plan plan, MakePlan(logical, {.executors = options_.executors}));
  TRIDENT_RETURN_IF_ERROR(OpenStore());
  TRIDENT_RETURN_IF_ERROR(OpenStates(topology.name(), plan));
  TRIDENT_RETURN_IF_ERROR(BuildWorker(plan));
  for (const PlannedFunction& function : plan.functions) {
    TRIDENT_RETURN_IF_ERROR(drpc_.Register(
        function.function, std::make_unique<RequestChain>(plan, function, *states_)));
  }
  return Serve(plan);
}

Status LocalRun::Serve(const Plan& plan) {
  LocalControl::Parts parts;
  parts.topology = plan.logical->topology();
  parts.explain_text = ExplainText(plan);
  parts.explain_dot = ExplainGraphviz(plan);
  parts.epoch = epoch_;
  parts.max_pending = static_cast<int32_t>(options_.max_pending);
  parts.batch_age = options_.batch_age;
  parts.coordinator = coordinator_.get();
  parts.states = states_.get();
  control_ = std::make_unique<LocalControl>(std::move(parts));
  if (options_.address.empty()) return absl::OkStatus();
  ServerOptions server;
  server.address = options_.address;
  TRIDENT_ASSIGN_OR_RETURN(
      server_,
      Server::Start(server, {.states = states_.get(), .drpc = &drpc_, .control = control_.get()}));
  return absl::OkStatus();
}

void LocalRun::Begin() {
  worker_->Start();
  coordinator_->Start();
  for (GroupId group : groups_) bridge_->Announce(group, log_->LastDecided(group));
  maintenance_ = std::make_unique<Maintenance>(
      *states_, Maintenance::Callbacks{
                    .hold = [this] { coordinator_->PostAll(batch_event::Hold{}); },
                    .release = [this] { coordinator_->PostAll(batch_event::Release{}); },
                    .failed = [this](const Status& status) { OnHalted(GroupId(0), status); },
                    .folded = [this] { TrimDecisions(); }});
}

void LocalRun::TrimDecisions() {
  for (GroupId group : groups_) {
    Status trimmed = log_->Trim(group, states_->FoldedUpTo(group));
    if (!trimmed.ok()) return OnHalted(group, trimmed);
  }
}

void LocalRun::Shutdown() {
  Stop();
  if (server_ != nullptr) server_->Shutdown();
  drpc_.Shutdown();
  maintenance_.reset();
  if (coordinator_ != nullptr) coordinator_->Stop();
  if (worker_ != nullptr) worker_->Stop();
}

void LocalRun::Changed() {
  MutexLock lock(mutex_);
  ++changes_;
  changed_.NotifyAll();
}

void LocalRun::OnHalted(GroupId /*group*/, const Status& cause) {
  TRIDENT_LOG(ERROR) << cause.ToString();
  MutexLock lock(mutex_);
  if (halted_.ok()) halted_ = cause;
  changed_.NotifyAll();
}

void LocalRun::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  changed_.NotifyAll();
}

bool LocalRun::EndedOrHalted() {
  if (stopped_ || !halted_.ok()) return true;
  if (!bridge_->AllEnded()) return false;
  for (GroupId group : groups_) {
    if (!coordinator_->StatusOf(group).idle) return false;
  }
  return true;
}

Status LocalRun::Outcome() {
  if (!halted_.ok()) return halted_;
  return stopped_ ? absl::CancelledError("the run was stopped") : absl::OkStatus();
}

Status LocalRun::AwaitEnd() {
  for (;;) {
    StatusOr<bool> ended = AwaitEndFor(kSecond);
    if (!ended.ok()) return ended.status();
    if (*ended) return absl::OkStatus();
  }
}

StatusOr<bool> LocalRun::AwaitEndFor(Nanos timeout) {
  const Nanos deadline = RealClock().MonotonicNanos() + timeout;
  MutexLock lock(mutex_);
  while (!EndedOrHalted()) {
    Nanos left = deadline - RealClock().MonotonicNanos();
    if (left <= 0) return false;
    changed_.WaitFor(mutex_, left);
  }
  TRIDENT_RETURN_IF_ERROR(Outcome());
  return true;
}

Status LocalRun::AwaitCommitted(GroupId group, TxId txid, Nanos timeout) {
  return states_->Pin(group, ReadAt::AtLeast(txid, timeout)).status();
}

StatusOr<DrpcRows> LocalRun::Drpc(std::string_view function, std::string_view args, Nanos timeout) {
  TRIDENT_ASSIGN_OR_RETURN(DrpcAnswer answer,
                           drpc_.Call(function, args, RealClock().MonotonicNanos() + timeout));
  return DrpcRows{answer.txid, *answer.fields, std::move(answer.rows)};
}

std::vector<RunProgress> LocalRun::progress() const {
  std::vector<RunProgress> all;
  for (GroupId group : groups_) {
    GroupStatus status = coordinator_->StatusOf(group);
    GroupCounters counters = coordinator_->CountersOf(group);
    all.push_back({.group = group,
                   .last_decided = status.last_decided,
                   .rows = counters.rows_committed,
                   .batches = counters.batches_committed,
                   .commit_p50 = counters.commit_p50,
                   .commit_p99 = counters.commit_p99,
                   .pending = status.in_flight.size(),
                   .failures = status.failures_total});
  }
  return all;
}

}  // namespace

StatusOr<std::unique_ptr<Run>> Run::Start(const Topology& topology, RunOptions options) {
  if (options.executors == 0) return InvalidArgument("executors is 0; at least 1 is needed");
  auto run = std::make_unique<LocalRun>(std::move(options));
  TRIDENT_RETURN_IF_ERROR(run->Open(topology));
  run->Begin();
  return std::unique_ptr<Run>(std::move(run));
}

}  // namespace trident
