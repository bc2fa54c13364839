// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/epoch_links.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/logging.h"

namespace trident {
namespace {

// A worker that does not take the link yet is asked again after so long.
constexpr Nanos kConnectAgain = 20 * kMillisecond;
// ... and ever later, up to this.
constexpr Nanos kConnectAgainMax = 500 * kMillisecond;
// For whom it waits is said so often.
constexpr Nanos kComplainEvery = kControlComplaintMs * kMillisecond;
// The port is ours, but the system may need a moment to give it back.
constexpr int kPortTriesMax = 100;

}  // namespace

StatusOr<std::unique_ptr<EpochLinks>> EpochLinks::Start(Options options) {
  std::unique_ptr<EpochLinks> links(new EpochLinks(std::move(options)));
  links->port_ = links->options_.address.port;
  // Holds the port until the first epoch.
  TRIDENT_ASSIGN_OR_RETURN(std::shared_ptr<PeerLinks> opened, links->Open(Epoch()));
  links->port_ = opened->port();
  MutexLock lock(links->mutex_);
  links->links_ = std::move(opened);
  return links;
}

EpochLinks::~EpochLinks() { Close(); }

std::string EpochLinks::address() const { return HostPort{options_.host, port_}.ToString(); }

StatusOr<std::shared_ptr<PeerLinks>> EpochLinks::Open(Epoch epoch) {
  PeerLinks::Options links;
  links.self = {epoch, options_.worker, options_.life};
  links.address = {options_.address.host, port_};
  links.tls = options_.tls;
  links.token = options_.token;
  links.beside = options_.beside;
  links.worker_of = [this](const TaskAddress& task) { return options_.placement.WorkerOf(task); };
  links.tasks_of = [this](StageId stage) { return options_.placement.TasksOf(stage); };
  links.accept = [this, epoch](const PeerLife& peer) { return Judge(epoch, peer); };
  links.on_connected = [this](WorkerId) {
    MutexLock lock(mutex_);
    changed_.NotifyAll();
  };
  links.deliver = options_.deliver;
  links.on_broken = [this, epoch](WorkerId worker, const Status& cause) {
    OnBroken(epoch, worker, cause);
  };
  TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<PeerLinks> opened, PeerLinks::Start(std::move(links)));
  return std::shared_ptr<PeerLinks>(std::move(opened));
}

Status EpochLinks::Judge(Epoch epoch, const PeerLife& peer) const {
  MutexLock lock(mutex_);
  const auto is_it = [&](const Welcome::Worker& each) {
    return each.worker == peer.worker && each.incarnation == peer.incarnation;
  };
  const bool is_listed = std::any_of(welcome_.workers.begin(), welcome_.workers.end(), is_it);
  if (peer.epoch == epoch && epoch != Epoch() && welcome_.epoch == epoch && is_listed) {
    return absl::OkStatus();
  }
  return FailedPrecondition("worker ", options_.worker.value(), " takes rows of epoch ",
                            epoch.value(), ", not of epoch ", peer.epoch.value(), " from worker ",
                            peer.worker.value());
}

// Before all are connected, whoever's link broke connects again.
void EpochLinks::OnBroken(Epoch epoch, WorkerId worker, const Status& cause) {
  {
    MutexLock lock(mutex_);
    changed_.NotifyAll();
    causes_[worker] = cause;
    if (!is_whole_) return;
  }
  options_.on_broken(epoch, cause);
}

void EpochLinks::Welcomed(const Welcome& welcome) {
  MutexLock lock(mutex_);
  welcome_ = welcome;
  changed_.NotifyAll();
}

std::vector<Welcome::Worker> EpochLinks::OthersOf(Epoch epoch) const {
  MutexLock lock(mutex_);
  std::vector<Welcome::Worker> others;
  if (welcome_.epoch != epoch) return others;
  for (const Welcome::Worker& each : welcome_.workers) {
    if (each.worker != options_.worker) others.push_back(each);
  }
  return others;
}

Status EpochLinks::Connect(Epoch epoch, const std::function<bool()>& goes_on) {
  Close();
  std::shared_ptr<PeerLinks> links;
  for (int tries = 0; links == nullptr; ++tries) {
    StatusOr<std::shared_ptr<PeerLinks>> opened = Open(epoch);
    if (opened.ok()) {
      links = *std::move(opened);
      break;
    }
    if (tries >= kPortTriesMax || !goes_on()) return opened.status();
    MutexLock lock(mutex_);
    changed_.WaitFor(mutex_, kConnectAgain);
  }
  {
    MutexLock lock(mutex_);
    links_ = links;
  }
  const std::vector<Welcome::Worker> others = OthersOf(epoch);
  struct Tries {
    Nanos next = 0;
    Nanos wait = kConnectAgain;
  };
  std::map<WorkerId, Tries> tries;
  Nanos complain_at = RealClock().MonotonicNanos() + kComplainEvery;
  for (;;) {
    if (!goes_on()) return Unavailable("epoch ", epoch.value(), " is over");
    const Nanos now = RealClock().MonotonicNanos();
    for (const Welcome::Worker& other : others) {
      Tries& of = tries[other.worker];
      if (links->HasLink(other.worker) || now < of.next) continue;
      links->Connect(other.worker, other.exchange_address);
      of.next = now + of.wait;
      of.wait = std::min(2 * of.wait, kConnectAgainMax);
    }
    if (now >= complain_at) {
      Complain(epoch, *links, others);
      complain_at = now + kComplainEvery;
    }
    // Under the lock: a link that breaks from here on is told of.
    MutexLock lock(mutex_);
    is_whole_ = IsWhole(*links, others);
    if (is_whole_) return absl::OkStatus();
    changed_.WaitFor(mutex_, kConnectAgain);
  }
}

void EpochLinks::Complain(Epoch epoch, const PeerLinks& links,
                          const std::vector<Welcome::Worker>& others) const {
  MutexLock lock(mutex_);
  for (const Welcome::Worker& other : others) {
    if (links.IsConnected(other.worker)) continue;
    const auto cause = causes_.find(other.worker);
    TRIDENT_LOG(WARN) << "epoch " << epoch.value() << " waits for the link to worker "
                      << other.worker.value() << " at " << other.exchange_address << ": "
                      << (cause == causes_.end() ? std::string("it does not answer")
                                                 : std::string(Message(cause->second)))
                      << "; can this machine reach that address, and, with TLS, does the "
                         "certificate of the other one name its host?";
  }
}

// If the system does not give the port back at once, it is open again with the next epoch.
void EpochLinks::Disconnect() {
  Close();
  StatusOr<std::shared_ptr<PeerLinks>> opened = Open(Epoch());
  if (!opened.ok()) return;
  MutexLock lock(mutex_);
  links_ = *std::move(opened);
}

void EpochLinks::Close() {
  std::shared_ptr<PeerLinks> links;
  {
    MutexLock lock(mutex_);
    is_whole_ = false;
    links.swap(links_);
  }
  // Its thread may be about to tell of a link; so without the lock.
  links.reset();
}

bool EpochLinks::IsWhole(const PeerLinks& links, const std::vector<Welcome::Worker>& others) {
  return std::all_of(others.begin(), others.end(),
                     [&](const Welcome::Worker& other) { return links.IsConnected(other.worker); });
}

std::shared_ptr<PeerLinks> EpochLinks::FindLinks() const {
  MutexLock lock(mutex_);
  return links_;
}

void EpochLinks::Send(DataMessage message) {
  if (const std::shared_ptr<PeerLinks> links = FindLinks()) links->Send(std::move(message));
}

void EpochLinks::SendTogether(std::vector<DataMessage> messages) {
  const std::shared_ptr<PeerLinks> links = FindLinks();
  if (links != nullptr) links->SendTogether(std::move(messages));
}

std::optional<WorkerId> EpochLinks::FarWorkerOf(const TaskAddress& to) const {
  const WorkerId worker = options_.placement.WorkerOf(to);
  if (worker == options_.worker) return std::nullopt;
  return worker;
}

}  // namespace trident
