// SPDX-License-Identifier: Apache-2.0
//
// One watch: the changes of some keys, txid by txid, each sent when the client has taken the one
// before. A client that reads too slowly falls out of the readable window and is told so.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "coordinator/serve/datum_codec.h"
#include "coordinator/serve/query_service.h"
#include "coordinator/serve/service_calls.h"
#include "coordinator/serve/state_access.h"

namespace trident {
namespace {

StatusOr<KeySelection> SelectionFrom(const v1::WatchRequest& request) {
  KeySelection keys;
  if (request.has_key()) {
    keys.kind = KeySelection::Kind::kKey;
    TRIDENT_ASSIGN_OR_RETURN(keys.first, FromProto(request.key()));
  } else if (request.has_prefix()) {
    keys.kind = KeySelection::Kind::kPrefix;
    TRIDENT_ASSIGN_OR_RETURN(keys.first, FromProto(request.prefix()));
  }
  return keys;
}

int64_t BytesOf(const StateChange& change) {
  return static_cast<int64_t>(change.key.size() + change.error.message().size() +
                              (change.value ? change.value->size() : 0));
}

// At any time exactly one of these is under way: a wait for a commit, a step on a work thread, a
// write, Finish.
class WatchStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  WatchStream(QueryBackend& backend, grpc::CallbackServerContext& context,
              const grpc::ByteBuffer& request)
      : backend_(backend) {
    if (const Status status = Open(context, request); !status.ok()) {
      Finish(ToGrpc(status));
    } else if (watch_) {
      Send(WatchEvent{watch_->position(), {}});
    } else {
      PostStep();
    }
  }

  void OnWriteDone(bool ok) override {
    slot_.WriteEnds();
    if (!ok) return Finish(grpc::Status::CANCELLED);
    sent_at_ = backend_.clock.MonotonicNanos();
    PostStep();
  }
  void OnCancel() override {
    if (wait_.Cancel()) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  Status Open(grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes) {
    v1::WatchRequest request;
    TRIDENT_RETURN_IF_ERROR(ParseMessage(bytes, request));
    TRIDENT_ASSIGN_OR_RETURN(state_, FindState(backend_.catalog, request.state()));
    TRIDENT_ASSIGN_OR_RETURN(const KeySelection keys, SelectionFrom(request));
    TRIDENT_ASSIGN_OR_RETURN(range_, RangeOf(state_->info(), keys));
    after_ =
        request.from() == 0 ? backend_.catalog.Published(group()) : TxId(request.from()).Prev();
    TRIDENT_ASSIGN_OR_RETURN(slot_, backend_.watches.Enter([&context] { context.TryCancel(); }));
    return backend_.catalog.MayWait() ? Status() : Follow();
  }
  // Not for a thread of the network, if the catalog may wait.
  Status Follow() {
    TRIDENT_ASSIGN_OR_RETURN(watch_, backend_.catalog.Follow(*state_, range_, after_));
    return {};
  }

  GroupId group() const { return state_->info().spec.group; }

  void PostStep() {
    backend_.work.Post([this] { Step(); });
  }

  void Step() {
    if (wait_.cancelled()) return Finish(grpc::Status::CANCELLED);
    if (backend_.stopping) return Finish(ToGrpc(Unavailable("the topology is stopping")));
    if (next_change_ < event_.changes.size()) return SendPart();
    if (!watch_) {
      if (const Status followed = Follow(); !followed.ok()) return Finish(ToGrpc(followed));
    }
    if (!has_begun_) return Send(WatchEvent{watch_->position(), {}});
    StatusOr<WatchEvent> event = watch_->Next(0);
    if (!event.ok()) return Finish(ToGrpc(event.status()));
    const Nanos quiet_until = sent_at_ + kWatchQuietMs * kMillisecond;
    const bool say_quiet =
        event->txid > event_.txid && backend_.clock.MonotonicNanos() >= quiet_until;
    if (!event->changes.empty() || say_quiet) return Send(*std::move(event));
    AwaitCommit(event->txid, quiet_until);
  }

  // Until something is committed after `seen`, or it is time to say that nothing changed.
  void AwaitCommit(TxId seen, Nanos quiet_until) {
    const bool something_to_say = seen > event_.txid;
    const Nanos deadline = something_to_say
                               ? quiet_until
                               : backend_.clock.MonotonicNanos() + kWatchQuietMs * kMillisecond;
    const Status begun =
        wait_.Start(backend_.waiters, group(), seen.Next(), deadline, [this](Status reached) {
          const bool go_on = reached.ok() || absl::IsDeadlineExceeded(reached);
          go_on ? PostStep() : Finish(ToGrpc(reached));
        });
    if (!begun.ok()) Finish(ToGrpc(begun));
  }

  void Send(WatchEvent event) {
    has_begun_ = true;
    event_ = std::move(event);
    next_change_ = 0;
    SendPart();
  }

  // Sends as many changes of event_ as one message holds.
  void SendPart() {
    message_.Clear();
    if (Status status = FillPart(); !status.ok()) return Finish(ToGrpc(status));
    bytes_ = SerializeMessage(message_);
    slot_.WriteBegins();
    StartWrite(&bytes_);
  }

  Status FillPart() {
    message_.set_txid(event_.txid.value());
    int64_t bytes = 0;
    while (next_change_ < event_.changes.size() && bytes < kScanStreamPageBytes) {
      const StateChange& change = event_.changes[next_change_++];
      bytes += BytesOf(change);
      v1::Change& out = *message_.add_changes();
      TRIDENT_ASSIGN_OR_RETURN(const auto key, DecodeStateKey(state_->info(), change.key));
      ToProto(key, *out.mutable_key());
      if (!change.value) continue;
      TRIDENT_RETURN_IF_ERROR(FillValue(state_->info(), change.error, *change.value, out));
    }
    message_.set_more(next_change_ < event_.changes.size());
    return {};
  }

  QueryBackend& backend_;
  StreamSlots::Slot slot_;
  CancellableWait wait_;
  const ReadableState* state_ = nullptr;

  KeyRange range_;  // constant after Open, as is after_
  TxId after_;

  // Touched by whatever is under way.
  std::optional<Watch> watch_;
  bool has_begun_ = false;
  WatchEvent event_;        // being sent, or sent last
  size_t next_change_ = 0;  // of event_
  Nanos sent_at_ = 0;
  v1::WatchEvent message_;
  grpc::ByteBuffer bytes_;  // of message_
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* NewWatchStream(QueryBackend& backend,
                                                           grpc::CallbackServerContext& context,
                                                           const grpc::ByteBuffer& request) {
  return new WatchStream(backend, context, request);
}

}  // namespace trident
