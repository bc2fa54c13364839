// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/cluster_run.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "base/ports/grpc_end.h"
#include "coordinator/cluster/control_server.h"
#include "coordinator/cluster/part_read_service.h"
#include "coordinator/serve/drpc_server.h"
#include "coordinator/serve/server.h"
#include "coordinator/serve/view_codec.h"
#include "trident/planner/explain.h"
#include "trident/planner/planner.h"
#include "trident/run/cluster/cluster_catalog.h"
#include "trident/run/cluster/cluster_control.h"
#include "trident/run/cluster/cluster_leader.h"
#include "trident/run/cluster/cluster_ports.h"
#include "trident/run/cluster/cluster_worker.h"
#include "trident/run/cluster/epoch_links.h"
#include "trident/run/cluster/epoch_reads.h"
#include "trident/run/cluster/epoch_store.h"
#include "trident/run/cluster/known_directories.h"
#include "trident/run/cluster/leader_line.h"
#include "trident/run/cluster/local_part.h"
#include "trident/run/cluster/placed_states.h"
#include "trident/run/parts/call_watch.h"
#include "trident/run/parts/process_facts.h"
#include "trident/run/parts/request_chain.h"
#include "trident/run/parts/serving.h"
#include "trident/run/parts/state_directory.h"
#include "trident/run/parts/stream_names.h"

namespace trident {
namespace {

constexpr Nanos kLookEvery = 100 * kMillisecond;
constexpr Nanos kFarewellMax = 2 * kSecond;
constexpr Nanos kFarewellLookEvery = 10 * kMillisecond;

// Heartbeats find who says nothing for a second. Pings would take a machine that is busy for half
// of it for one that is gone.
ControlTiming TimingOfWords() {
  ControlTiming timing;
  timing.keepalive = kSecond;
  return timing;
}

// Equal for processes that would run the same stages under the same numbers.
uint64_t FingerprintOf(const Plan& plan, const RunOptions& options) {
  std::string text = ExplainShape(plan);
  for (const GroupId group : plan.group_ids) text += Concat(" g", group.value());
  for (const auto& [node, spout] : plan.spouts) text += Concat(" s", spout.value());
  // Dead letters have stages of their own.
  if (options.on_failure == OnFailure::kDeadLetter) text += " dead letters";
  return HashBytes(text);
}

// A process with its threads.
class ProcessOfCluster final : public ClusterRun,
                               private CoordinatorEvents,
                               private ProcessQuestions {
 public:
  ProcessOfCluster(const RunOptions& options, const ClusterOptions& cluster)
      : options_(options), cluster_(cluster), drpc_(RealClock(), {.functions_wait = true}) {}
  ~ProcessOfCluster() override { Shutdown(); }

  Status Open(const std::shared_ptr<const LogicalPlan>& logical);
  bool made_directory() const { return made_directory_; }

  std::string control_address() const override;
  StatusOr<bool> AwaitEndFor(Nanos timeout) override;
  bool Ended() const override { return leader_ != nullptr && leader_->Ended(); }
  void Stop() override;
  std::vector<std::string> CallsUnderWay(Nanos longer_than) const override {
    return calls_->UnderWayFor(longer_than);
  }
  uint64_t RowsAside() const override { return leader_ == nullptr ? 0 : leader_->RowsAside(); }
  std::vector<std::string> LeftOut() const override;
  std::string Describe() const override;
  const StateCatalog& states() const override { return *catalog_; }
  DrpcResult Drpc(std::string_view function, std::string_view args, Nanos deadline) override {
    return drpc_.Call(function, args, deadline);
  }
  std::string address() const override {
    return port_ == nullptr ? std::string() : port_->address();
  }
  bool TakesPart() const override {
    return worker_->working_in() != Epoch() && (!leads() || leader_->leading() != Epoch());
  }
  std::shared_ptr<WorkerParts> parts() const override { return worker_->parts(); }
  const std::vector<GroupId>& groups() const override { return worker_->plan().group_ids; }
  std::optional<GroupStatus> StatusOf(GroupId group) const override {
    return leader_ == nullptr ? std::nullopt : leader_->StatusOf(group);
  }

 private:
  bool leads() const { return cluster_.leader.empty(); }
  Status OpenWorker(Plan plan, const Placement& placement);
  Status OpenLeader(Plan plan);
  // `plan` has the numbers of the store.
  Status OpenReads(const Plan& plan);
  Status Serve(const Plan& plan);
  Status JudgeHello(WorkerId worker, const WorkerHello& hello) const;
  void Dial();
  void Hear(std::vector<LeaderWord> words);
  void Fail(const Status& cause);
  void Changed();
  void AwaitFarewells();
  void Shutdown();

  StatusOr<std::string> Ask(ProcessQuestion question) override;
  StatusOr<std::string> AskOther(WorkerId worker, ProcessQuestion question) const;
  std::string AddressOf(WorkerId worker) const;

  void OnHalted(GroupId, const Status& cause) override {
    Fail(calls_->Explained(cause, options_.progress_deadline));
  }
  void OnDrained(GroupId, TxId) override {}
  void OnIdle(GroupId) override { Changed(); }

  const RunOptions options_;
  const ClusterOptions cluster_;
  ClusterPorts ports_;           // constant after Open
  bool made_directory_ = false;  // and wrote nothing in it yet
  std::unique_ptr<DurableStore> store_;
  std::string directory_;  // its name
  std::atomic<bool> is_claimed_ = false;
  Incarnation life_;
  uint64_t fingerprint_ = 0;
  std::string topology_;
  std::unique_ptr<StoredEpoch> epochs_;
  std::unique_ptr<ClusterWorker> worker_;
  std::unique_ptr<EpochLinks> links_;
  std::unique_ptr<ClusterLeader> leader_;
  LeaderLine line_{{.hear = [this](std::vector<LeaderWord> words) { Hear(std::move(words)); },
                    .joined = [this] { return worker_->joined(); }}};
  std::unique_ptr<ControlServer> server_;
  // What readers of all workers' states ask, here and from other workers.
  std::shared_ptr<LocalPart> own_part_;
  std::shared_ptr<grpc::Service> part_service_;
  std::unique_ptr<EpochReads> reads_;
  std::unique_ptr<ClusterCatalog> catalog_;
  DrpcServer drpc_;
  std::unique_ptr<CallWatch> calls_;
  std::unique_ptr<ProcessFacts> facts_;
  uint32_t tasks_here_ = 0;
  std::vector<WorkerView::StatePart> parts_here_;
  std::unique_ptr<ClusterControl> control_;
  std::unique_ptr<Server> port_;

  mutable Mutex mutex_;
  CondVar changed_;
  // Whom readers ask, and other processes; null until they are there.
  const ClusterWorker* read_worker_ TRIDENT_GUARDED_BY(mutex_) = nullptr;
  ClusterControl* asked_control_ TRIDENT_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool has_farewell_ TRIDENT_GUARDED_BY(mutex_) = false;
  uint64_t changes_ TRIDENT_GUARDED_BY(mutex_) = 0;
  Status failed_ TRIDENT_GUARDED_BY(mutex_);
};

Status ProcessOfCluster::Open(const std::shared_ptr<const LogicalPlan>& logical) {
  if (cluster_.workers < 1 || cluster_.worker >= cluster_.workers) {
    return InvalidArgument("expected worker 0 to ", cluster_.workers, " of ", cluster_.workers,
                           " workers, found worker ", cluster_.worker);
  }
  TRIDENT_ASSIGN_OR_RETURN(ports_, PortsOf(cluster_));
  topology_ = logical->topology();
  const PlanOptions plan_options{.executors = options_.executors * cluster_.workers,
                                 .several_processes = true,
                                 .reads_local_sources = leads()};
  TRIDENT_ASSIGN_OR_RETURN(Plan plan, MakePlan(logical, plan_options));
  TRIDENT_ASSIGN_OR_RETURN(OpenedStore opened, OpenStateDirectory(options_));
  store_ = std::move(opened.store);
  made_directory_ = opened.made_directory;
  TRIDENT_ASSIGN_OR_RETURN(directory_, ParticipantLog::DirectoryOf(*store_));
  if (directory_.empty()) directory_ = NewDirectoryName(*store_);
  TRIDENT_ASSIGN_OR_RETURN(life_, ParticipantLog::NextLife(*store_));
  Plan numbered = plan;
  WriteSet names;
  TRIDENT_RETURN_IF_ERROR(NumberByName(*store_, numbered, names));
  fingerprint_ = FingerprintOf(numbered, options_);
  const bool has_letters = options_.on_failure == OnFailure::kDeadLetter;
  const auto letter_stages = static_cast<uint32_t>(has_letters ? plan.group_ids.size() : 0);
  const Placement placement(cluster_.workers, MakeStages(numbered, {}), letter_stages);
  tasks_here_ = placement.TasksOf(WorkerId(cluster_.worker));
  TRIDENT_RETURN_IF_ERROR(OpenReads(numbered));
  TRIDENT_RETURN_IF_ERROR(OpenWorker(std::move(plan), placement));
  calls_ = std::make_unique<CallWatch>([this] { return worker_->Look(); }, drpc_, RealClock());
  facts_ = std::make_unique<ProcessFacts>([this] { return worker_->rows_read(); }, RealClock());
  if (leads()) TRIDENT_RETURN_IF_ERROR(OpenLeader(std::move(numbered)));
  TRIDENT_RETURN_IF_ERROR(Serve(worker_->plan()));
  // Nothing can refuse the start any more.
  TRIDENT_RETURN_IF_ERROR(worker_->ClaimStore(directory_));
  made_directory_ = false;
  is_claimed_ = true;
  worker_->Start();
  if (leads()) leader_->Start();
  Dial();
  return absl::OkStatus();
}

Status ProcessOfCluster::OpenWorker(Plan plan, const Placement& placement) {
  const WorkerId worker(cluster_.worker);
  EpochLinks::Options links{
      .worker = worker,
      .life = life_,
      .address = ports_.exchange,
      .host = ports_.host,
      .tls = ports_.tls,
      .token = cluster_.token,
      .beside = part_service_.get(),
      .placement = placement,
      .deliver = [this](DataMessage message) { return worker_->Deliver(std::move(message)); },
      .on_broken = [this](Epoch epoch, const Status& cause) { line_.LinkBroke(epoch, cause); }};
  TRIDENT_ASSIGN_OR_RETURN(links_, EpochLinks::Start(std::move(links)));
  TRIDENT_ASSIGN_OR_RETURN(
      worker_, ClusterWorker::Open(std::move(plan), options_,
                                   {.worker = worker,
                                    .life = life_,
                                    .workers = cluster_.workers,
                                    .store = store_.get(),
                                    .states = WorkerParts::StatesOf(options_),
                                    .network = links_.get(),
                                    .connect =
                                        [this](Epoch epoch, const auto& goes_on) {
                                          return links_->Connect(epoch, goes_on);
                                        },
                                    .disconnect = [this] { links_->Disconnect(); },
                                    .tell = [this](const WorkerWord& word) { line_.Tell(word); },
                                    .failed = [this](const Status& cause) { Fail(cause); }}));
  return absl::OkStatus();
}

// What reads takes shape before any state is opened. Until the worker is there, it works in
// nothing.
Status ProcessOfCluster::OpenReads(const Plan& plan) {
  const WorkerId self(cluster_.worker);
  const auto now = [this] {
    const ClusterWorker* worker = nullptr;
    {
      MutexLock lock(mutex_);
      worker = read_worker_;
    }
    return worker == nullptr ? ClusterWorker::Working() : worker->working();
  };
  TRIDENT_ASSIGN_OR_RETURN(std::vector<PlacedState> placed,
                           PlaceStates(plan, options_, *store_, cluster_.workers));
  parts_here_ = PartsOf(self, placed);
  own_part_ = std::make_shared<LocalPart>(self, now);
  part_service_ = NewPartReadService(*own_part_, *this, cluster_.token);
  reads_ = std::make_unique<EpochReads>(self, own_part_, [this](const std::string& address) {
    return NewFarPart(address, cluster_.token, ports_.tls);
  });
  catalog_ = std::make_unique<ClusterCatalog>(ClusterCatalog::Options{
      .self = self,
      .workers = cluster_.workers,
      .states = std::move(placed),
      .now = now,
      .part_of = [this](Epoch epoch, WorkerId worker) { return reads_->PartOf(epoch, worker); },
      .on_tick = [this] { own_part_->DropStaleHolds(); }});
  return absl::OkStatus();
}

Status ProcessOfCluster::Serve(const Plan& plan) {
  {
    MutexLock lock(mutex_);
    read_worker_ = worker_.get();
  }
  for (const LogicalNode& node : plan.logical->nodes()) {
    if (node.queries == nullptr || node.queries->user_defined()) continue;
    TRIDENT_ASSIGN_OR_RETURN(const ReadableState* state, catalog_->Find(node.queries->spec().name));
    node.queries->ReadThrough(*state);
  }
  for (const PlannedFunction& function : plan.functions) {
    TRIDENT_RETURN_IF_ERROR(drpc_.Register(
        function.function,
        std::make_unique<RequestChain>(plan, function, *catalog_, worker_->side_marks())));
  }
  control_ = std::make_unique<ClusterControl>(ClusterControl::Parts{
      .topology = topology_,
      .explain_text = ExplainText(plan),
      .explain_dot = ExplainGraphviz(plan),
      .max_pending = static_cast<int32_t>(options_.max_pending),
      .batch_age = options_.batch_age,
      .self = WorkerId(cluster_.worker),
      .groups = plan.group_ids,
      .leader = leader_.get(),
      .worker = worker_.get(),
      .states = catalog_.get(),
      .workers = cluster_.workers,
      .executors = options_.executors,
      .tasks = tasks_here_,
      .parts_here = parts_here_,
      .facts = facts_.get(),
      .address_of = [this](WorkerId worker) { return AddressOf(worker); },
      .ask = [this](WorkerId worker,
                    ProcessQuestion question) { return AskOther(worker, question); }});
  {
    MutexLock lock(mutex_);
    asked_control_ = control_.get();
  }
  if (options_.address.empty()) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(
      port_, Server::Start(ServerOptionsOf(options_),
                           {.states = catalog_.get(), .drpc = &drpc_, .control = control_.get()}));
  return absl::OkStatus();
}

// Another process asks this one.
StatusOr<std::string> ProcessOfCluster::Ask(ProcessQuestion question) {
  ClusterControl* control = nullptr;
  {
    MutexLock lock(mutex_);
    control = asked_control_;
  }
  if (control == nullptr) return Unavailable("this process is about to start; try again");
  if (question == ProcessQuestion::kAbout) {
    v1::Worker about;
    ToProto(control->About(), about);
    return about.SerializeAsString();
  }
  if (!leads()) return FailedPrecondition("this process does not lead");
  if (question == ProcessQuestion::kBatches) {
    TRIDENT_ASSIGN_OR_RETURN(const TopologyView view, control->View());
    v1::BatchesResponse answer;
    ToProto(view, answer);
    return answer.SerializeAsString();
  }
  const bool pauses = question == ProcessQuestion::kPause;
  TRIDENT_LOG(WARN) << (pauses ? "pause" : "resume") << ", asked for through another worker";
  TRIDENT_RETURN_IF_ERROR(pauses ? control->Pause() : control->Resume());
  return std::string();
}

std::string ProcessOfCluster::AddressOf(WorkerId worker) const {
  return worker == WorkerId(cluster_.worker) ? links_->address() : reads_->AddressOf(worker);
}

// Over a connection of its own: people do not ask often.
StatusOr<std::string> ProcessOfCluster::AskOther(WorkerId worker, ProcessQuestion question) const {
  const std::string who =
      worker == WorkerId(0) ? std::string("the leader") : Concat("worker ", worker.value());
  const std::string address = reads_->AddressOf(worker);
  if (!address.empty()) {
    StatusOr<std::string> answer =
        NewFarProcess(address, cluster_.token, ports_.tls)->Ask(question);
    if (answer.ok()) return answer;
    return Annotate(answer.status(), Concat("asking ", who, " at ", address));
  }
  return Unavailable("worker ", cluster_.worker, " has not heard of ", who,
                     worker == WorkerId(0) ? " at " + cluster_.leader : std::string(),
                     " yet; try again, or see whether it runs");
}

Status ProcessOfCluster::OpenLeader(Plan plan) {
  epochs_ = std::make_unique<StoredEpoch>(*store_);
  leader_ = std::make_unique<ClusterLeader>(
      std::move(plan), options_,
      ClusterLeader::Seams{
          .workers = cluster_.workers,
          .life = life_,
          .epochs = epochs_.get(),
          .tell = [this](WorkerId worker, const LeaderWord& word) { server_->Tell(worker, word); },
          .events = this,
          .changed = [this] { Changed(); },
          .failed = [this](const Status& cause) { Fail(cause); }});
  const ControlServerOptions options{.address = ports_.leader.ToListenOn(),
                                     .tls = ports_.tls,
                                     .token = cluster_.token,
                                     .timing = TimingOfWords()};
  TRIDENT_ASSIGN_OR_RETURN(
      server_,
      ControlServer::Start(
          options,
          {.on_hello = [this](WorkerId worker,
                              const WorkerHello& hello) { return JudgeHello(worker, hello); },
           .on_open =
               [this](WorkerId worker, const WorkerHello& hello) {
                 leader_->OnConnected(worker, {hello.incarnation, hello.exchange_address});
               },
           .on_words =
               [this](WorkerId worker, Incarnation, std::vector<WorkerWord> words) {
                 for (WorkerWord& word : words) leader_->Hear(worker, std::move(word));
               },
           .on_gone = [this](WorkerId worker, Incarnation life,
                             const Status&) { leader_->OnGone(worker, life); }}));
  return absl::OkStatus();
}

std::string ProcessOfCluster::control_address() const {
  if (server_ == nullptr) return "";
  const HostPort& at = ports_.leader;
  const StatusOr<HostPort> taken = ParseHostPort(server_->address());
  const bool has_other_host = at.IsEveryAddress() || !cluster_.peer_host.empty();
  return HostPort{has_other_host ? ports_.host : at.host, taken->port}.ToString();
}

Status ProcessOfCluster::JudgeHello(WorkerId worker, const WorkerHello& hello) const {
  if (!is_claimed_) return Unavailable("the leader is about to start; try again");
  if (hello.topology != topology_) {
    return FailedPrecondition("the leader runs topology '", topology_, "', worker ", worker.value(),
                              " runs '", hello.topology, "'");
  }
  if (worker.value() >= cluster_.workers) {
    return FailedPrecondition("the topology has workers 0 to ", cluster_.workers - 1,
                              "; there is no worker ", worker.value());
  }
  if (hello.plan_fingerprint != fingerprint_) {
    return FailedPrecondition(
        "worker ", worker.value(),
        " has another plan than the leader: all processes of a topology must be of one program, "
        "with the same options and the same number of executors and workers");
  }
  return JudgeDirectory(*store_, worker, hello.store);
}

// ---- the worker's end of the words ----

void ProcessOfCluster::Dial() {
  ControlClientOptions options;
  options.leader = leads() ? control_address() : ports_.leader.ToString();
  options.token = cluster_.token;
  options.tls = ports_.tls;
  options.timing = TimingOfWords();
  options.hello = {.worker = WorkerId(cluster_.worker),
                   .incarnation = life_,
                   .store = Concat(directory_, " ", store_->Where()),
                   .topology = topology_,
                   .plan_fingerprint = fingerprint_,
                   .exchange_address = links_->address()};
  line_.Open(std::move(options));
}

void ProcessOfCluster::Hear(std::vector<LeaderWord> words) {
  for (LeaderWord& word : words) {
    if (const auto* welcome = std::get_if<Welcome>(&word)) {
      links_->Welcomed(*welcome);
      reads_->Welcomed(*welcome);
    }
    if (std::holds_alternative<Farewell>(word)) {
      MutexLock lock(mutex_);
      has_farewell_ = true;
      changed_.NotifyAll();
    }
    worker_->Hear(std::move(word));
  }
}

// ---- its end ----

void ProcessOfCluster::Fail(const Status& cause) {
  MutexLock lock(mutex_);
  if (failed_.ok()) failed_ = cause;
  changed_.NotifyAll();
}

void ProcessOfCluster::Changed() {
  MutexLock lock(mutex_);
  ++changes_;
  changed_.NotifyAll();
}

void ProcessOfCluster::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  changed_.NotifyAll();
}

StatusOr<bool> ProcessOfCluster::AwaitEndFor(Nanos timeout) {
  const Nanos deadline = RealClock().MonotonicNanos() + timeout;
  for (;;) {
    uint64_t seen = 0;
    {
      MutexLock lock(mutex_);
      if (!failed_.ok()) return failed_;
      if (stopped_) return absl::CancelledError("the run was stopped");
      if (has_farewell_) return true;
      seen = changes_;
    }
    facts_->Look();
    if (const Status lost = calls_->Watch(options_.progress_deadline); !lost.ok()) Fail(lost);
    // The leader's own worker hears it behind all that was told before.
    if (!cluster_.keep_serving && Ended()) leader_->SayFarewell();
    const Nanos left = deadline - RealClock().MonotonicNanos();
    if (left <= 0) return false;
    MutexLock lock(mutex_);
    if (changes_ == seen && !stopped_ && failed_.ok()) {
      changed_.WaitFor(mutex_, std::min(left, kLookEvery));
    }
  }
}

std::vector<std::string> ProcessOfCluster::LeftOut() const {
  std::vector<std::string> all;
  const std::shared_ptr<WorkerParts> parts = worker_->parts();
  if (parts == nullptr) return all;
  for (const Worker::Source& source : std::as_const(*parts).worker().sources()) {
    for (std::string& what : source.spout->LeftOut()) all.push_back(std::move(what));
  }
  return all;
}

std::string ProcessOfCluster::Describe() const {
  if (leader_ == nullptr) {
    const Epoch epoch = worker_->working_in();
    return epoch == Epoch() ? "waits for the leader" : Concat("works in epoch ", epoch.value());
  }
  const Epoch epoch = leader_->leading();
  if (epoch != Epoch()) return Concat("leads epoch ", epoch.value());
  std::string text = "waits for worker";
  for (const WorkerId worker : leader_->awaited()) text += Concat(" ", worker.value());
  return text;
}

// Workers that were told that all is done go by themselves. Who leads waits for that, or they might
// not hear of it.
void ProcessOfCluster::AwaitFarewells() {
  const Nanos deadline = RealClock().MonotonicNanos() + kFarewellMax;
  MutexLock lock(mutex_);
  while (has_farewell_ && server_ != nullptr && server_->counts().open > 0 &&
         RealClock().MonotonicNanos() < deadline) {
    changed_.WaitFor(mutex_, kFarewellLookEvery);
  }
}

// Words end first, so that nothing new begins; then who works; then what it works with.
void ProcessOfCluster::Shutdown() {
  // Who served on after the end lets the others go now.
  const bool says_farewell = cluster_.keep_serving && Ended();
  if (says_farewell) leader_->SayFarewell();
  {
    MutexLock lock(mutex_);
    has_farewell_ = has_farewell_ || says_farewell;
    changed_.NotifyAll();
  }
  drpc_.Stop();
  if (catalog_ != nullptr) catalog_->Stop();
  if (port_ != nullptr) port_->Shutdown();
  drpc_.Shutdown();
  line_.Stop();
  AwaitFarewells();
  if (leader_ != nullptr) leader_->Stop();
  if (server_ != nullptr) server_->Stop();
  if (worker_ != nullptr) worker_->Stop();
  links_.reset();
  leader_.reset();
  server_.reset();
  if (ports_.tls) AwaitGrpcAtExit();
}

}  // namespace

StatusOr<std::unique_ptr<ClusterRun>> ClusterRun::Start(std::shared_ptr<const LogicalPlan> logical,
                                                        const RunOptions& options,
                                                        const ClusterOptions& cluster) {
  TRIDENT_RETURN_IF_ERROR(CheckServing(options));
  ReturnLargeBuffers();
  auto run = std::make_unique<ProcessOfCluster>(options, cluster);
  const Status opened = run->Open(logical);
  if (opened.ok()) return std::unique_ptr<ClusterRun>(std::move(run));
  const bool made_directory = run->made_directory();
  run.reset();
  if (made_directory) RemoveMadeDirectory(options.state_dir);
  return opened;
}

}  // namespace trident
