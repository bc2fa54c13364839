// SPDX-License-Identifier: Apache-2.0
#include "engine/links/peer_links.h"

#include <utility>

#include "base/check.h"
#include "engine/links/bundle_reader.h"

namespace trident {
namespace {

const TaskAddress& ToOf(const DataMessage& message) {
  return std::visit([](const auto& m) -> const TaskAddress& { return m.to; }, message);
}

}  // namespace

PeerLinks::PeerLinks(Options options)
    : options_(std::move(options)), tasks_here_(&options_, options_.self.worker) {}

// Their thread writes what waits until they have ended, so the streams must be there until then.
PeerLinks::~PeerLinks() {
  is_ending_ = true;
  if (streams_ != nullptr) streams_->Stop();
}

StatusOr<std::unique_ptr<PeerLinks>> PeerLinks::Start(Options options) {
  const GrpcStreams::Options port{.address = options.address,
                                  .tls = options.tls,
                                  .token = options.token,
                                  .beside = options.beside};
  std::unique_ptr<PeerLinks> links(new PeerLinks(std::move(options)));
  TRIDENT_ASSIGN_OR_RETURN(links->streams_, GrpcStreams::Start(port, links.get()));
  return links;
}

void PeerLinks::Connect(WorkerId worker, const std::string& address) {
  BundleWriter writer(options_.self.epoch, options_.self.worker,
                      [tasks = TasksOfWorker(&options_, worker)](StageId stage) mutable {
                        return tasks.Of(stage);
                      });
  StreamId stream = 0;
  {
    MutexLock lock(mutex_);
    stream = next_stream_++;
    auto link = std::make_shared<Link>(worker, stream, LinkQueue(std::move(writer)));
    TRIDENT_CHECK(links_.emplace(worker, std::move(link)).second)
        << "worker " << worker.value() << " has a link";
  }
  streams_->Open(stream, address, EncodeHello(options_.self));
}

// ---- sending: any thread ----

std::optional<WorkerId> PeerLinks::FarWorkerOf(const TaskAddress& to) const {
  const WorkerId worker = options_.worker_of(to);
  if (worker == options_.self.worker) return std::nullopt;
  return worker;
}

void PeerLinks::Send(DataMessage message) {
  const std::optional<WorkerId> far = FarWorkerOf(ToOf(message));
  if (!far.has_value()) return Deliver(std::move(message));
  SendTo(*far, {&message, 1});
}

void PeerLinks::SendTogether(std::vector<DataMessage> messages) {
  for (size_t begin = 0, end = 0; begin < messages.size(); begin = end) {
    const std::optional<WorkerId> far = FarWorkerOf(ToOf(messages[begin]));
    for (end = begin + 1; end < messages.size(); ++end) {
      if (FarWorkerOf(ToOf(messages[end])) != far) break;
    }
    const std::span<DataMessage> group(&messages[begin], end - begin);
    if (far.has_value()) {
      SendTo(*far, group);
    } else {
      for (DataMessage& message : group) Deliver(std::move(message));
    }
  }
}

void PeerLinks::SendTo(WorkerId worker, std::span<DataMessage> messages) {
  const std::shared_ptr<Link> link = FindLink(worker);
  if (link == nullptr) return Count(&LinkCounts::messages_unsent, messages.size());
  BundleBytes bundle;
  {
    MutexLock lock(link->mutex);
    if (link->is_over) return Count(&LinkCounts::messages_unsent, messages.size());
    link->queue.Add(messages);
    if (!std::exchange(link->is_idle, false)) return;
    bundle = link->queue.Next();
  }
  Count(&LinkCounts::bundles_sent);
  streams_->Write(link->stream, std::move(bundle));
}

void PeerLinks::Deliver(DataMessage message) {
  if (!options_.deliver(std::move(message)).ok()) Count(&LinkCounts::messages_refused);
}

std::span<const uint32_t> PeerLinks::TasksOfWorker::Of(StageId stage) {
  const auto found = known_.find(stage);
  if (found != known_.end()) return found->second;
  std::vector<uint32_t> tasks;
  for (uint32_t task = 0; task < options_->tasks_of(stage); ++task) {
    if (options_->worker_of({stage, task}) == worker_) tasks.push_back(task);
  }
  if (tasks.empty()) return {};
  return known_.emplace(stage, std::move(tasks)).first->second;
}

std::shared_ptr<PeerLinks::Link> PeerLinks::FindLink(WorkerId worker) const {
  MutexLock lock(mutex_);
  const auto found = links_.find(worker);
  return found == links_.end() ? nullptr : found->second;
}

bool PeerLinks::IsConnected(WorkerId worker) const {
  const std::shared_ptr<Link> link = FindLink(worker);
  if (link == nullptr) return false;
  MutexLock lock(link->mutex);
  return link->is_taken && !link->is_over;
}

// Workers are few.
std::shared_ptr<PeerLinks::Link> PeerLinks::FindStream(StreamId outgoing) const {
  MutexLock lock(mutex_);
  for (const auto& [worker, link] : links_) {
    if (link->stream == outgoing) return link;
  }
  return nullptr;
}

// ---- the thread of the links ----

void PeerLinks::OnAccepted(StreamId outgoing) {
  const std::shared_ptr<Link> link = FindStream(outgoing);
  if (link == nullptr) return;
  {
    MutexLock lock(link->mutex);
    link->is_taken = true;
  }
  if (options_.on_connected != nullptr) options_.on_connected(link->worker);
}

void PeerLinks::OnWritable(StreamId outgoing) {
  const std::shared_ptr<Link> link = FindStream(outgoing);
  if (link == nullptr) return;
  BundleBytes bundle;
  {
    MutexLock lock(link->mutex);
    link->is_idle = link->queue.empty();
    if (link->is_idle) return;
    bundle = link->queue.Next();
  }
  Count(&LinkCounts::bundles_sent);
  streams_->Write(outgoing, std::move(bundle));
}

void PeerLinks::OnOutgoingEnded(StreamId outgoing, const Status& status) {
  const std::shared_ptr<Link> link = FindStream(outgoing);
  if (link == nullptr) return;
  uint64_t dropped = 0;
  {
    MutexLock lock(link->mutex);
    link->is_over = true;
    dropped = link->queue.Clear();
  }
  {
    MutexLock lock(mutex_);
    links_.erase(link->worker);
    counts_.messages_unsent += dropped;
  }
  TellBroken(link->worker, Annotate(status, Concat("the link to worker ", link->worker.value())));
}

Status PeerLinks::OnMessage(StreamId incoming, std::string_view bytes, const BufferRef& keep) {
  const auto peer = peers_.find(incoming);
  if (peer == peers_.end()) return Meet(incoming, bytes);
  return TakeBundle(peer->second, bytes, keep);
}

Status PeerLinks::Meet(StreamId incoming, std::string_view hello) {
  const StatusOr<PeerLife> peer = DecodeHello(hello);
  const Status status = peer.ok() ? options_.accept(*peer) : peer.status();
  if (!status.ok()) {
    Count(&LinkCounts::peers_refused);
    return status;
  }
  // A worker that comes again has given up its link before, which may seem to live for a while.
  std::erase_if(peers_, [&](const auto& known) { return known.second.worker == peer->worker; });
  peers_.emplace(incoming, *peer);
  return absl::OkStatus();
}

Status PeerLinks::TakeBundle(const PeerLife& peer, std::string_view bytes, const BufferRef& keep) {
  const StatusOr<Bundle> bundle = Bundle::Parse(bytes, keep);
  if (!bundle.ok()) {
    Count(&LinkCounts::bundles_damaged);
    return bundle.status();
  }
  if (bundle->epoch() != options_.self.epoch || bundle->from() != peer.worker) {
    Count(&LinkCounts::bundles_strange);
    return absl::OkStatus();
  }
  Count(&LinkCounts::bundles_taken);
  bundle->ForEach([this](StageId stage) { return tasks_here_.Of(stage); },
                  [this](DataMessage message) { Deliver(std::move(message)); });
  return absl::OkStatus();
}

void PeerLinks::OnIncomingEnded(StreamId incoming, const Status& status) {
  const auto ended = peers_.extract(incoming);
  if (ended.empty()) return;
  const WorkerId worker = ended.mapped().worker;
  TellBroken(worker, Annotate(status, Concat("the link from worker ", worker.value())));
}

void PeerLinks::TellBroken(WorkerId worker, const Status& status) {
  if (!is_ending_) options_.on_broken(worker, status);
}

// ---- counts ----

uint64_t PeerLinks::QueuedBytes(WorkerId worker) const {
  const std::shared_ptr<Link> link = FindLink(worker);
  if (link == nullptr) return 0;
  MutexLock lock(link->mutex);
  return link->queue.bytes();
}

LinkCounts PeerLinks::counts() const {
  MutexLock lock(mutex_);
  return counts_;
}

void PeerLinks::Count(uint64_t LinkCounts::*what, uint64_t n) {
  MutexLock lock(mutex_);
  counts_.*what += n;
}

}  // namespace trident
