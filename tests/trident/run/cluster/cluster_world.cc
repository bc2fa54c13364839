// SPDX-License-Identifier: Apache-2.0
#include "tests/trident/run/cluster/cluster_world.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "coordinator/cluster/participant_log.h"
#include "engine/frames/slice_payload.h"
#include "trident/run/parts/stream_names.h"

namespace trident {
namespace {

constexpr uint64_t kQuietStepsMax = 2'000'000;

}  // namespace

// What is sent goes to the heap of frames, also what stays in the process: it arrives some time, in
// any order.
class ClusterWorld::Network final : public Transport {
 public:
  Network(ClusterWorld& world, uint32_t host, Placement placement)
      : world_(world), host_(host), placement_(std::move(placement)) {}

  std::optional<WorkerId> FarWorkerOf(const TaskAddress& to) const override {
    const WorkerId worker = placement_.WorkerOf(to);
    return worker.value() == host_ ? std::nullopt : std::optional(worker);
  }
  void Send(DataMessage message) override {
    const TaskAddress to = std::visit([](const auto& each) { return each.to; }, message);
    const uint32_t host = placement_.WorkerOf(to).value();
    if (auto* frame = std::get_if<DataFrame>(&message); frame != nullptr && host != host_) {
      const auto& payload = static_cast<const FramePayload&>(*frame->payload);
      auto bytes = std::make_shared<std::string>(payload.frame()->bytes());
      const std::string_view view = *bytes;
      const auto arrived = EncodedFrame::Parse(view, std::move(bytes));
      TRIDENT_CHECK_OK(arrived.status());
      frame->payload = std::make_shared<FramePayload>(*arrived, payload.first(), payload.rows());
    }
    world_.frames_.push_back({host_, host, std::move(message)});
  }

 private:
  ClusterWorld& world_;
  const uint32_t host_;
  const Placement placement_;
};

// Dead letters have a stage of their own in each group.
Placement ClusterWorld::PlacementOf(const Plan& plan) const {
  const bool has_letters = options_.run.on_failure == OnFailure::kDeadLetter;
  const auto letter_stages = static_cast<uint32_t>(has_letters ? plan.group_ids.size() : 0);
  return Placement(options_.workers, MakeStages(plan, {}), letter_stages);
}

ClusterWorld::ClusterWorld(const Options& options)
    : options_(options), rng_(Mix64(options.seed ^ 0xC1)), hosts_(options.workers) {
  to_worker_.resize(options.workers);
  to_leader_.resize(options.workers);
  for (Host& host : hosts_) {
    host.disk = std::make_unique<MemoryStore>();
    for (double& rests : host.rests) {
      rests = rng_.Chance(0.5) ? 0 : options_.faults.rests_max * rng_.Unit();
    }
  }
}

ClusterWorld::~ClusterWorld() {
  leader_.reset();
  for (Host& host : hosts_) host.worker.reset();
}

void ClusterWorld::Violated(std::string what) {
  if (violation_.empty()) violation_ = std::move(what);
}

StatusOr<Plan> ClusterWorld::MakeClusterPlan() const {
  Topology topology("simulated");
  options_.declare(topology);
  TRIDENT_ASSIGN_OR_RETURN(auto logical, topology.Build());
  return MakePlan(
      logical, {.executors = options_.run.executors * options_.workers, .several_processes = true});
}

// ---- lives ----

void ClusterWorld::StartHost(uint32_t number) {
  Host& host = hosts_[number];
  host.life = host.life.Next();
  StatusOr<Plan> plan = MakeClusterPlan();
  if (!plan.ok()) return Violated(plan.status().ToString());
  host.network = std::make_unique<Network>(*this, number, PlacementOf(*plan));
  StateStoreOptions states = WorkerParts::StatesOf(options_.run);
  states.fold_commits = 1 + rng_.Below(20);
  const auto fails = [this, number](const Status& cause) {
    if (!faults_on_) Violated(Concat("worker ", number, " fails: ", cause.ToString()));
    hosts_[number].must_die = true;
  };
  auto opened = ClusterWorker::Open(*std::move(plan), options_.run,
                                    {.worker = WorkerId(number),
                                     .life = host.life,
                                     .workers = options_.workers,
                                     .store = host.disk.get(),
                                     .clock = &clock_,
                                     .states = states,
                                     .network = host.network.get(),
                                     .tell =
                                         [this, number](WorkerWord says) {
                                           if (!hosts_[number].is_connected) return;
                                           to_leader_[number].emplace_back(std::move(says));
                                         },
                                     .failed = fails});
  if (!opened.ok()) return Violated(opened.status().ToString());
  host.worker = *std::move(opened);
  groups_ = host.worker->plan().group_ids;
  if (const Status claimed = host.worker->ClaimStore(); !claimed.ok()) return fails(claimed);
  if (number == 0) StartLeader();
  host.connects_at = steps_ + rng_.Below(20);
}

void ClusterWorld::StartLeader() {
  Host& host = hosts_[0];
  epoch_store_ = std::make_unique<StoredEpoch>(*host.disk);
  StatusOr<Plan> plan = MakeClusterPlan();
  TRIDENT_CHECK_OK(plan.status());
  WriteSet names;
  const Status numbered = NumberByName(*host.disk, *plan, names);
  if (!numbered.ok()) return Violated(numbered.ToString());
  leader_ = std::make_unique<ClusterLeader>(
      *std::move(plan), options_.run,
      ClusterLeader::Seams{.workers = options_.workers,
                           .life = host.life,
                           .epochs = epoch_store_.get(),
                           .clock = &clock_,
                           .tell =
                               [this](WorkerId worker, LeaderWord says) {
                                 if (!hosts_[worker.value()].is_connected) return;
                                 to_worker_[worker.value()].push_back(std::move(says));
                               },
                           .events = this,
                           .changed = [] {},
                           .failed =
                               [this](const Status& cause) {
                                 if (!faults_on_) Violated("the leader fails: " + cause.ToString());
                                 hosts_[0].must_die = true;
                               }});
}

void ClusterWorld::Connect(uint32_t number) {
  Host& host = hosts_[number];
  host.is_connected = true;
  to_worker_[number].clear();
  to_leader_[number].clear();
  leader_->OnConnected(WorkerId(number), {.incarnation = host.life, .exchange_address = ""});
}

// What was on its way may be lost, or arrive before either end hears of it.
void ClusterWorld::Disconnect(uint32_t number) {
  Host& host = hosts_[number];
  if (!host.is_connected) return;
  host.is_connected = false;
  if (rng_.Chance(0.5)) to_worker_[number].clear();
  if (rng_.Chance(0.5)) to_leader_[number].clear();
  host.connects_at = steps_ + rng_.Below(200);
  to_leader_[number].emplace_back(StreamEnds{host.life});
}

void ClusterWorld::Kill(uint32_t number, Death death) {
  Host& host = hosts_[number];
  ++deaths_;
  if (number == 0) {
    leader_.reset();
    for (uint32_t i = 0; i < hosts_.size(); ++i) {
      Disconnect(i);
      to_leader_[i].clear();
    }
    epoch_store_.reset();
  }
  Disconnect(number);
  to_worker_[number].clear();
  host.worker.reset();
  host.network.reset();
  std::erase_if(frames_, [&](const Frame& f) { return f.from == number || f.to == number; });
  host.disk = death == Death::kOfTheMachine ? host.disk->Crash(rng_) : host.disk->Kill(rng_);
  host.must_die = false;
  host.starts_at = steps_ + rng_.Below(300);
}

void ClusterWorld::OnHalted(GroupId, const Status& cause) {
  Violated("a group halts: " + cause.ToString());
}

// ---- steps ----

bool ClusterWorld::DeliverToWorker() {
  const uint64_t number = rng_.Below(hosts_.size());
  auto& words = to_worker_[number];
  if (words.empty() || hosts_[number].worker == nullptr) return false;
  if (Rests(hosts_[number], kHears)) return true;
  LeaderWord says = std::move(words.front());
  words.pop_front();
  hosts_[number].worker->Hear(std::move(says));
  return true;
}

bool ClusterWorld::DeliverToLeader() {
  const uint64_t number = rng_.Below(hosts_.size());
  auto& words = to_leader_[number];
  if (words.empty() || leader_ == nullptr) return false;
  if (Rests(hosts_[number], kSays)) return true;
  FromWorker next = std::move(words.front());
  words.pop_front();
  const WorkerId worker(static_cast<uint32_t>(number));
  if (const auto* ends = std::get_if<StreamEnds>(&next)) {
    leader_->OnGone(worker, ends->life);
  } else {
    leader_->Hear(worker, std::get<WorkerWord>(std::move(next)));
  }
  return true;
}

bool ClusterWorld::DeliverFrame() {
  if (frames_.empty()) return false;
  const auto at = static_cast<ptrdiff_t>(rng_.Below(frames_.size()));
  Frame frame = std::move(frames_[static_cast<size_t>(at)]);
  frames_.erase(frames_.begin() + at);
  if (hosts_[frame.to].worker == nullptr) return true;
  if (faults_on_ && rng_.Chance(options_.faults.frame_is_lost)) return true;
  (void)hosts_[frame.to].worker->Deliver(std::move(frame.message));
  return true;
}

bool ClusterWorld::Rests(const Host& host, Doing what) {
  return faults_on_ && rng_.Chance(host.rests.at(what));
}

bool ClusterWorld::WorkAt(Host& host) {
  if (host.worker == nullptr) return false;
  std::shared_ptr<WorkerParts> parts = host.worker->parts();
  // Those of an epoch that is over work on until the worker ends them.
  if (parts == nullptr) parts = host.last_parts.lock();
  host.last_parts = parts;
  const uint64_t kind = rng_.Below(4);
  if (Rests(host, static_cast<Doing>(kind))) return true;
  switch (kind) {
    case 0:
      return host.worker->WriteOnce();
    case 1:
      return host.worker->ChangeEpochOnce();
    case 2:
      return parts != nullptr && rng_.Chance(0.2) && parts->maintenance().RunOnce();
    default:
      if (parts == nullptr) return false;
      return parts->worker().executor(rng_.Below(parts->worker().executors())).RunOnce();
  }
}

bool ClusterWorld::Work() {
  switch (rng_.Below(5)) {
    case 0:
      return leader_ != nullptr && leader_->RunOnce();
    case 1:
      return DeliverToWorker();
    case 2:
      return DeliverToLeader();
    case 3:
      return DeliverFrame();
    default:
      return WorkAt(hosts_[rng_.Below(hosts_.size())]);
  }
}

void ClusterWorld::Step() {
  ++steps_;
  for (uint32_t i = 0; i < hosts_.size() && violation_.empty(); ++i) {
    Host& host = hosts_[i];
    if (host.must_die) {
      Kill(i, rng_.Chance(0.5) ? Death::kOfTheMachine : Death::kOfTheProcess);
    }
    if (host.worker == nullptr && steps_ >= host.starts_at) StartHost(i);
    if (host.worker != nullptr && leader_ != nullptr && !host.is_connected &&
        steps_ >= host.connects_at && to_leader_[i].empty()) {
      Connect(i);
    }
  }
  if (!violation_.empty()) return;
  clock_.Advance(static_cast<Nanos>(rng_.Below(50 * kMicrosecond)));
  idle_ = Work() ? 0 : idle_ + 1;
  if (leader_ != nullptr && leader_->leading() > last_epoch_) {
    last_epoch_ = leader_->leading();
    ++epochs_;
  }
  if (idle_ < 1000 * hosts_.size()) return;
  // Nobody has work that does not wait for time.
  idle_ = 0;
  const std::optional<Nanos> tick = leader_ == nullptr ? std::nullopt : leader_->NextTick();
  if (tick) clock_.AdvanceTo(*tick);
  clock_.Advance(kMillisecond);
}

void ClusterWorld::MayFail() {
  const ClusterFaults& faults = options_.faults;
  const auto host = static_cast<uint32_t>(rng_.Below(hosts_.size()));
  const bool lives = hosts_[host].worker != nullptr;
  if (lives && rng_.Chance(faults.process_dies)) Kill(host, Death::kOfTheProcess);
  if (hosts_[host].worker != nullptr && rng_.Chance(faults.machine_dies)) {
    Kill(host, Death::kOfTheMachine);
  }
  if (rng_.Chance(faults.link_breaks)) Disconnect(host);
  if (rng_.Chance(faults.write_fails)) {
    hosts_[host].disk->FailWriteAfter(rng_.Below(3), MemoryStore::Failure::InputOutput());
  }
}

void ClusterWorld::CheckReads() {
  for (const GroupId group : groups_) CheckReads(group);
}

// Whoever reads, through whatever worker, reads the same at the same txid, and never an older one
// than before.
void ClusterWorld::CheckReads(GroupId group) {
  std::optional<TxId> at;
  for (Host& host : hosts_) {
    const auto parts = host.worker == nullptr ? nullptr : host.worker->parts();
    if (parts == nullptr) {
      at = TxId();
      continue;
    }
    const TxId published = parts->states().Published(group);
    TxId& before = host.read_up_to[group];
    if (published < before) {
      Violated(Concat("group ", group.value(), ": txid ", published.value(),
                      " is the latest, after it was ", before.value()));
    }
    before = published;
    at = std::min(at.value_or(published), published);
  }
  if (*at == TxId()) return;
  const std::optional<uint64_t> digest = DigestOf(group, *at);
  if (!digest) return;
  const auto [found, is_new] = was_read_.try_emplace({group, *at}, *digest);
  if (found->second != *digest) {
    Violated(Concat("group ", group.value(), ": the states at txid ", at->value(),
                    " are not what they were when they were read before"));
  }
}

std::optional<uint64_t> ClusterWorld::DigestOf(GroupId group, TxId at) {
  uint64_t digest = 0;
  for (const Host& host : hosts_) {
    const auto parts = host.worker->parts();
    for (const std::string& name : options_.states) {
      const ReadableState* state = *parts->states().Find(name);
      if (state->info().spec.group != group) continue;
      KeyRange range = KeyRange::All();
      for (bool more = true; more;) {
        const auto page = state->Scan(at, range, {});
        if (!page.ok()) return std::nullopt;
        // Of all rows, in any order.
        for (const StateRow& row : page->rows) {
          digest += HashBytes(Concat(name, "/", row.key, "/", row.value));
        }
        more = page->resume.has_value();
        if (more) range.begin = *page->resume;
      }
    }
  }
  return digest;
}

// What the disks say must be one story.
void ClusterWorld::CheckDisks() {
  std::map<GroupId, LogReport> logs;
  for (const Host& host : hosts_) {
    if (violation_.empty()) CheckDisk(host, logs);
  }
}

void ClusterWorld::CheckDisk(const Host& host, std::map<GroupId, LogReport>& logs) {
  const std::string where = Concat("the disk of worker ", &host - hosts_.data(), ": ");
  ParticipantLog log(*host.disk);
  const StatusOr<Remembered> found = log.Load(groups_);
  if (!found.ok()) return Violated(where + found.status().ToString());
  if (found->promised < last_epoch_) Violated(where + "the promise is not there");
  for (const GroupReport& report : found->groups) {
    const std::string group = Concat(where, "group ", report.group.value(), ": ");
    const TxId last = committed_.at(report.group);
    if (report.known != last) {
      Violated(Concat(group, "txid ", report.known.value(), " is decided, not ", last.value()));
    }
    if (!report.records.empty()) {
      Violated(Concat(group, "there is a record of txid ", report.records.front().txid.value(),
                      ", which is decided or void"));
    }
    for (TxId txid = last; txid > TxId(); txid = txid.Prev()) {
      const std::optional<Attempt> attempt = log.AttemptOf(report.group, txid);
      if (!attempt) break;  // folded
      const auto decided = was_decided_.try_emplace({report.group, txid}, *attempt).first;
      if (decided->second != *attempt) {
        Violated(Concat(group, "attempt ", ToString(*attempt), " of txid ", txid.value(),
                        " is decided, elsewhere ", ToString(decided->second)));
      }
    }
    const std::optional<LogReport> sources = log.LogOf(report.group);
    if (!sources) return Violated(group + "a scribe does not know where the sources stand");
    if (last > TxId() && sources->batch_time_micros < kSecond / kMicrosecond) {
      Violated(group + "the last batch has no batch time");
    }
    const LogReport& first = logs.try_emplace(report.group, *sources).first->second;
    const auto is_same = [](const SpoutPosition& a, const SpoutPosition& b) {
      return a.spout == b.spout && a.at == b.at;
    };
    if (first.after != sources->after || first.batch_time_micros != sources->batch_time_micros ||
        !std::equal(first.positions.begin(), first.positions.end(), sources->positions.begin(),
                    sources->positions.end(), is_same)) {
      Violated(group + "the sources stand elsewhere than at another worker");
    }
  }
}

// Of all groups together.
uint64_t ClusterWorld::DecidedByAll() const {
  uint64_t decided = 0;
  for (const GroupId group : groups_) {
    const auto status = leader_ == nullptr ? std::nullopt : leader_->StatusOf(group);
    if (status) decided += status->last_decided.value();
  }
  return decided;
}

bool ClusterWorld::AllIsDone() {
  if (leader_ == nullptr || !leader_->Ended()) return false;
  for (const GroupId group : groups_) {
    committed_[group] = leader_->StatusOf(group)->last_decided;
    for (const Host& host : hosts_) {
      const auto parts = host.worker == nullptr ? nullptr : host.worker->parts();
      if (parts == nullptr || parts->states().Published(group) != committed_[group]) return false;
    }
  }
  return true;
}

std::string ClusterWorld::Play() {
  for (uint64_t i = 0; i < options_.fault_steps && violation_.empty(); ++i) {
    Step();
    MayFail();
    if (rng_.Chance(0.002)) CheckReads();
  }
  faults_on_ = false;
  // What was to fail has failed by now, or does so with the process that is to die of it.
  for (uint32_t i = 0; i < hosts_.size() && violation_.empty(); ++i) {
    if (hosts_[i].worker != nullptr) {
      Kill(i, Death::kOfTheMachine);
    } else {
      hosts_[i].disk = hosts_[i].disk->Crash(rng_);
    }
  }
  uint64_t decided = 0;
  for (uint64_t quiet = 0; violation_.empty() && !AllIsDone(); ++quiet) {
    // Schedules differ in length. One in which nothing is decided any more is stuck.
    if (const uint64_t now = DecidedByAll(); now != decided) {
      decided = now;
      quiet = 0;
    }
    if (quiet > kQuietStepsMax) {
      std::string waits;
      if (leader_ != nullptr) {
        for (const WorkerId worker : leader_->awaited()) waits += Concat(" ", worker.value());
        waits += Concat("; epoch ", leader_->leading().value());
      }
      for (const GroupId group : groups_) {
        const auto status = leader_ == nullptr ? std::nullopt : leader_->StatusOf(group);
        if (status) {
          waits += Concat("; group ", group.value(), ": ", ToString(status->gate), ", decided ",
                          status->last_decided.value(), ", ", status->last_failure.ToString());
        }
        for (const Host& host : hosts_) {
          const auto parts = host.worker == nullptr ? nullptr : host.worker->parts();
          waits += parts == nullptr
                       ? "; no parts"
                       : Concat("; epoch ", host.worker->working_in().value(), " published ",
                                parts->states().Published(group).value());
        }
      }
      Violated("faults have stopped, but not all input comes to be committed; awaited:" + waits);
      break;
    }
    Step();
    if (rng_.Chance(0.001)) CheckReads();
  }
  if (violation_.empty()) CheckReads();
  if (violation_.empty()) CheckDisks();
  return violation_;
}

ClusterWorld::Content ClusterWorld::ContentOf(const std::string& name) {
  Content content;
  for (const Host& host : hosts_) {
    const auto parts = host.worker->parts();
    const ReadableState* state = *parts->states().Find(name);
    KeyRange range = KeyRange::All();
    for (bool more = true; more;) {
      const auto page = state->Scan(committed_.at(state->info().spec.group), range, {});
      TRIDENT_CHECK_OK(page.status());
      for (const StateRow& row : page->rows) {
        TRIDENT_CHECK(content.emplace(row.key, row.value).second)
            << "two workers have key " << row.key;
      }
      more = page->resume.has_value();
      if (more) range.begin = *page->resume;
    }
  }
  return content;
}

}  // namespace trident
