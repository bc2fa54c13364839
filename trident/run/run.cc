// SPDX-License-Identifier: Apache-2.0
#include "trident/run/run.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/logging.h"
#include "coordinator/serve/drpc_server.h"
#include "coordinator/serve/server.h"
#include "trident/planner/explain.h"
#include "trident/planner/planner.h"
#include "trident/run/local_control.h"
#include "trident/run/parts/call_watch.h"
#include "trident/run/parts/process_facts.h"
#include "trident/run/parts/run_parts.h"
#include "trident/run/parts/serving.h"
#include "trident/run/parts/state_directory.h"

namespace trident {
namespace {

// How often calls of the program's code are looked at.
constexpr Nanos kCallsLookEvery = 250 * kMillisecond;

// A topology in this process: its parts, each with its threads, and what serves them.
class LocalRun final : public Run, private CoordinatorEvents {
 public:
  explicit LocalRun(RunOptions options) : options_(std::move(options)), drpc_(RealClock()) {}
  ~LocalRun() override { Shutdown(); }

  Status Open(const Topology& topology);
  // Writes what the start leaves in the store, and begins. All that can refuse it comes before.
  Status Begin();
  // Ends a run that was refused, and removes the directory that it has made.
  static void TakeBack(std::unique_ptr<LocalRun> refused);

  Status AwaitEnd() override;
  StatusOr<bool> AwaitEndFor(Nanos timeout) override;
  Status AwaitCommitted(GroupId group, TxId txid, Nanos timeout) override;
  void Stop() override;
  void Pause() override { parts_->coordinator().PostAll(batch_event::Pause{}); }
  void Resume() override { parts_->coordinator().PostAll(batch_event::Resume{}); }
  StatusOr<DrpcRows> Drpc(std::string_view function, std::string_view args, Nanos timeout) override;
  const StateCatalog& states() const override { return parts_->states(); }
  std::vector<RunProgress> progress() const override;
  std::vector<std::string> LeftOut() const override { return parts_->LeftOut(); }
  std::vector<std::string> CallsUnderWay(Nanos longer_than) const override;
  std::string address() const override {
    return server_ == nullptr ? std::string() : server_->address();
  }

 private:
  Status OpenStore();
  Status Serve();
  void Shutdown();
  bool StoppedOrHalted() const TRIDENT_REQUIRES(mutex_);
  void Changed();
  void WatchCalls();
  WorkerView About() const;
  uint64_t RowsCommitted() const;
  Status Outcome() TRIDENT_REQUIRES(mutex_);

  void OnHalted(GroupId group, const Status& cause) override;
  void OnDrained(GroupId, TxId) override {}
  void OnIdle(GroupId) override { Changed(); }

  const RunOptions options_;
  bool made_directory_ = false;  // and wrote nothing in it yet
  std::unique_ptr<DurableStore> store_;
  std::unique_ptr<MarkFile> marks_;
  std::unique_ptr<RunParts> parts_;
  std::unique_ptr<CallWatch> calls_;
  std::unique_ptr<ProcessFacts> facts_;
  DrpcServer drpc_;
  std::unique_ptr<LocalControl> control_;
  std::unique_ptr<Server> server_;

  mutable Mutex mutex_;
  CondVar changed_;
  uint64_t changes_ TRIDENT_GUARDED_BY(mutex_) = 0;
  bool stopped_ TRIDENT_GUARDED_BY(mutex_) = false;
  Status halted_ TRIDENT_GUARDED_BY(mutex_);
};

Status LocalRun::OpenStore() {
  TRIDENT_ASSIGN_OR_RETURN(OpenedStore opened, OpenStateDirectory(options_));
  store_ = std::move(opened.store);
  made_directory_ = opened.made_directory;
  return absl::OkStatus();
}

Status LocalRun::Open(const Topology& topology) {
  TRIDENT_ASSIGN_OR_RETURN(auto logical, topology.Build());
  TRIDENT_ASSIGN_OR_RETURN(Plan plan, MakePlan(logical, {.executors = options_.executors}));
  TRIDENT_RETURN_IF_ERROR(OpenStore());
  TRIDENT_ASSIGN_OR_RETURN(marks_, MarkFile::Open(options_.state_dir, options_.executors));
  for (const std::string& call : marks_->CallsBesideBatches()) {
    TRIDENT_LOG(WARN) << "the last process ended " << call << "; no batch is to blame for that";
  }
  TRIDENT_ASSIGN_OR_RETURN(parts_, RunParts::Open(std::move(plan), options_,
                                                  {.store = store_.get(),
                                                   .events = this,
                                                   .changed = [this] { Changed(); },
                                                   .marks = marks_.get()}));
  facts_ = std::make_unique<ProcessFacts>([this] { return RowsCommitted(); }, RealClock());
  calls_ =
      std::make_unique<CallWatch>([this] { return parts_->worker().Look(); }, drpc_, RealClock());
  for (const PlannedFunction& function : parts_->plan().functions) {
    TRIDENT_RETURN_IF_ERROR(drpc_.Register(function.function, parts_->MakeRequestChain(function)));
  }
  return Serve();
}

void LocalRun::TakeBack(std::unique_ptr<LocalRun> refused) {
  const std::string dir = refused->made_directory_ ? refused->options_.state_dir : std::string();
  refused.reset();
  if (dir.empty()) return;
  RemoveMadeDirectory(dir);
}

Status LocalRun::Begin() {
  made_directory_ = false;
  TRIDENT_RETURN_IF_ERROR(parts_->Settle());
  parts_->Start();
  return absl::OkStatus();
}

Status LocalRun::Serve() {
  const Plan& plan = parts_->plan();
  LocalControl::Parts parts;
  parts.topology = plan.logical->topology();
  parts.explain_text = ExplainText(plan);
  parts.explain_dot = ExplainGraphviz(plan);
  parts.epoch = parts_->epoch();
  parts.max_pending = static_cast<int32_t>(options_.max_pending);
  parts.batch_age = options_.batch_age;
  parts.coordinator = &parts_->coordinator();
  parts.states = &parts_->states();
  parts.letters = &parts_->letters();
  parts.store = store_.get();
  parts.lag_of = [this](GroupId group) { return parts_->LagOf(group); };
  parts.counts_of = [this](GroupId group) { return parts_->CountsOf(group); };
  parts.about = About();
  parts.facts = facts_.get();
  control_ = std::make_unique<LocalControl>(std::move(parts));
  if (options_.address.empty()) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(
      server_,
      Server::Start(ServerOptionsOf(options_),
                    {.states = &parts_->states(), .drpc = &drpc_, .control = control_.get()}));
  return absl::OkStatus();
}

WorkerView LocalRun::About() const {
  const Plan& plan = parts_->plan();
  WorkerView about;
  about.leads = true;
  about.epoch = parts_->epoch();
  about.executors = options_.executors;
  for (const PlannedStage& stage : plan.stages) about.tasks += stage.tasks;
  for (const LogicalNode& node : plan.logical->nodes()) {
    if (node.writes == nullptr) continue;
    const StateSpec& state = node.writes->spec();
    about.states.push_back(
        {.state = state.name, .first = 0, .count = state.partitions, .of = state.partitions});
  }
  return about;
}

// Requests last: their functions may need long, and by then all batches have ended in order.
void LocalRun::Shutdown() {
  Stop();
  drpc_.Stop();
  if (parts_ != nullptr) parts_->Stop();
  if (server_ != nullptr) server_->Shutdown();
  drpc_.Shutdown();
}

std::vector<std::string> LocalRun::CallsUnderWay(Nanos longer_than) const {
  return calls_->UnderWayFor(longer_than);
}

void LocalRun::Changed() {
  {
    MutexLock lock(mutex_);
    ++changes_;
  }
  changed_.NotifyAll();
}

void LocalRun::OnHalted(GroupId /*group*/, const Status& cause) {
  const Status whole = calls_->Explained(cause, options_.progress_deadline);
  // Who runs the topology tells it: AwaitEnd returns it.
  TRIDENT_LOG(INFO) << whole.ToString();
  MutexLock lock(mutex_);
  if (halted_.ok()) halted_ = whole;
  changed_.NotifyAll();
}

uint64_t LocalRun::RowsCommitted() const {
  uint64_t rows = 0;
  for (const GroupId group : parts_->plan().group_ids) {
    rows += parts_->coordinator().CountersOf(group).rows_committed;
  }
  return rows;
}

void LocalRun::WatchCalls() {
  facts_->Look();
  const Status lost = calls_->Watch(options_.progress_deadline);
  if (lost.ok()) return;
  MutexLock lock(mutex_);
  if (halted_.ok()) halted_ = lost;
}

void LocalRun::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  changed_.NotifyAll();
}

bool LocalRun::StoppedOrHalted() const { return stopped_ || !halted_.ok(); }

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
  for (;;) {
    uint64_t seen = 0;
    {
      MutexLock lock(mutex_);
      if (StoppedOrHalted()) return Outcome();
      seen = changes_;
    }
    WatchCalls();
    // Not under mutex_: the coordinator holds its own lock when it says that it has halted.
    if (parts_->Ended()) return true;
    MutexLock lock(mutex_);
    Nanos left = deadline - RealClock().MonotonicNanos();
    if (left <= 0) return false;
    left = std::min(left, kCallsLookEvery);
    if (changes_ == seen && !StoppedOrHalted()) changed_.WaitFor(mutex_, left);
  }
}

Status LocalRun::AwaitCommitted(GroupId group, TxId txid, Nanos timeout) {
  return parts_->states().Pin(group, ReadAt::AtLeast(txid, timeout)).status();
}

StatusOr<DrpcRows> LocalRun::Drpc(std::string_view function, std::string_view args, Nanos timeout) {
  TRIDENT_ASSIGN_OR_RETURN(DrpcAnswer answer,
                           drpc_.Call(function, args, RealClock().MonotonicNanos() + timeout));
  return DrpcRows{answer.txid, *answer.fields, std::move(answer.rows)};
}

std::vector<RunProgress> LocalRun::progress() const {
  std::vector<RunProgress> all;
  for (GroupId group : parts_->groups()) {
    GroupStatus status = parts_->coordinator().StatusOf(group);
    GroupCounters counters = parts_->coordinator().CountersOf(group);
    all.push_back({.group = group,
                   .last_decided = status.last_decided,
                   .rows = counters.rows_committed,
                   .batches = counters.batches_committed,
                   .commit_p50 = counters.commit_p50,
                   .commit_p99 = counters.commit_p99,
                   .pending = status.in_flight.size(),
                   .failures = status.failures_total,
                   .rows_aside = status.rows_diverted,
                   .rows_lost = parts_->RowsLost(group),
                   .lag = parts_->LagOf(group)});
  }
  return all;
}

// Checked before anything is opened.
Status CheckOptions(const RunOptions& options) {
  if (options.executors < 1 || options.executors > static_cast<uint32_t>(kExecutorsMax)) {
    return InvalidArgument("expected 1 to ", kExecutorsMax, " executors, found ", options.executors,
                           "; as many as the machine has cores is a good number");
  }
  if (options.memory_bytes < static_cast<uint64_t>(kMemoryBytesMin)) {
    return InvalidArgument("expected memory_bytes of at least ", kMemoryBytesMin, " (",
                           kMemoryBytesMin / kMiB, " MiB), found ", options.memory_bytes);
  }
  if (options.max_pending < 1 || options.max_pending > static_cast<uint32_t>(kMaxPendingMax)) {
    return InvalidArgument("expected max_pending of 1 to ", kMaxPendingMax, ", found ",
                           options.max_pending);
  }
  if (options.batch_rows < 1 || options.batch_bytes < 1) {
    return InvalidArgument("a batch must be allowed to hold at least one row and one byte; found ",
                           options.batch_rows, " batch_rows and ", options.batch_bytes,
                           " batch_bytes");
  }
  if (options.batch_age < 0) {
    return InvalidArgument("batch_age must not be negative, found ", options.batch_age, " ns");
  }
  return CheckServing(options);
}

}  // namespace

StatusOr<std::unique_ptr<Run>> Run::Start(const Topology& topology, RunOptions options) {
  TRIDENT_RETURN_IF_ERROR(CheckOptions(options));
  ReturnLargeBuffers();
  auto run = std::make_unique<LocalRun>(std::move(options));
  try {
    if (const Status opened = run->Open(topology); !opened.ok()) {
      LocalRun::TakeBack(std::move(run));
      return opened;
    }
    TRIDENT_RETURN_IF_ERROR(run->Begin());
  } catch (const std::system_error& e) {  // of a thread that could not be started
    return ResourceExhausted(
        "the system gave the run no more threads (", e.what(),
        "); allow this user or container more of them (ulimit -u, the cgroup's "
        "pids.max) or more memory for their stacks, or take fewer executors");
  }
  return std::unique_ptr<Run>(std::move(run));
}

}  // namespace trident
