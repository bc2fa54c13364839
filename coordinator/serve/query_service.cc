// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/query_service.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "coordinator/serve/datum_codec.h"
#include "coordinator/serve/service_calls.h"
#include "coordinator/serve/state_access.h"

namespace trident {
namespace {

// Keys that one step of a multi-get reads; between steps the size of the answer is looked at.
// So many keys at a time; fewer where values are large, because a step is held whole.
constexpr size_t kMultiGetStep = 256;
constexpr int64_t kMultiGetStepBytes = 1024 * 1024;

// Where a read runs once its cut is committed.
enum class Weight { kPoint, kLong };

// A unary read that cannot be answered at once: it waits for its txid, then for a thread if it is
// long. Exactly one of the two, or Finish, is under way at any time.
class DeferredRead final : public grpc::ServerUnaryReactor {
 public:
  using Read = std::function<Status()>;

  DeferredRead(QueryBackend& backend, Weight weight, Read read)
      : backend_(backend), weight_(weight), read_(std::move(read)) {}

  void Await(GroupId group, TxId txid, Nanos deadline) {
    const Status begun =
        wait_.Start(backend_.waiters, group, txid, deadline,
                    [this](Status status) { status.ok() ? Run() : Finish(ToGrpc(status)); });
    if (!begun.ok()) Finish(ToGrpc(begun));
  }
  void Run() {
    if (weight_ == Weight::kPoint) return Finish(ToGrpc(read_()));
    if (backend_.work.TryPost([this] { Finish(ToGrpc(read_())); }, kReadQueueMax)) return;
    Finish(ToGrpc(ResourceExhausted(kReadQueueMax, " reads of many keys wait, the limit of this ",
                                    "server; try again in a moment")));
  }
  void OnCancel() override {
    if (wait_.Cancel()) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  QueryBackend& backend_;
  const Weight weight_;
  const Read read_;
  CancellableWait wait_;
};

// How often a read of the latest takes a cut anew, where states are in other processes.
constexpr int kLatestTriesMax = 5;

// Calls read() -> Status. States of other processes may go on between the cut and the read of it; a
// read of the latest then takes a newer one.
template <class Read>
Status AtSomeCut(const StateCatalog& catalog, const ReadAt& at, Read read) {
  Status status = read();
  if (!catalog.MayWait() || at.kind == ReadAt::Kind::kExactly) return status;
  for (int tries = 1; absl::IsOutOfRange(status) && tries < kLatestTriesMax; ++tries) {
    status = read();
  }
  return status;
}

// Calls `read` when `at` of `group` can be read: now and here if possible.
template <class Read>
grpc::ServerUnaryReactor* Answer(QueryBackend& backend, grpc::CallbackServerContext& context,
                                 GroupId group, const ReadAt& at, Weight weight, Read read) {
  if (backend.catalog.MayWait()) weight = Weight::kLong;
  const std::optional<TxId> awaited = Awaited(backend.catalog, group, at);
  if (!awaited && weight == Weight::kPoint) return FinishNow(context, read());
  auto* deferred = new DeferredRead(backend, weight, std::move(read));
  if (awaited) {
    deferred->Await(group, *awaited, AwaitDeadline(context, backend.clock));
  } else {
    deferred->Run();
  }
  return deferred;
}

// A Get that was understood.
struct PointRead {
  const ReadableState* state = nullptr;
  std::string key;
  ReadAt at;
};

StatusOr<PointRead> ResolveGet(const StateCatalog& catalog, const grpc::ByteBuffer& bytes) {
  v1::GetRequest request;
  TRIDENT_RETURN_IF_ERROR(ParseMessage(bytes, request));
  PointRead out;
  TRIDENT_ASSIGN_OR_RETURN(out.state, FindState(catalog, request.state()));
  TRIDENT_ASSIGN_OR_RETURN(out.at, ReadAtFrom(request.at()));
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<Datum> values, FromProto(request.key()));
  TRIDENT_ASSIGN_OR_RETURN(out.key, EncodeStateKey(out.state->info(), values));
  return out;
}

Status GetOne(const StateCatalog& catalog, const PointRead& read, v1::GetResponse& response) {
  response.Clear();
  TRIDENT_ASSIGN_OR_RETURN(const Snapshot cut, catalog.Pin(read.state->info().spec.group, read.at));
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> value,
                           read.state->Get(cut.txid(), read.key));
  response.set_txid(cut.txid().value());
  if (!value) return {};
  TRIDENT_ASSIGN_OR_RETURN(const Datum datum, DecodeStateValue(read.state->info(), *value));
  response.set_found(true);
  ToProto(datum, *response.mutable_value());
  return {};
}

// The keys of one state in a multi-get, each with its place in the answer.
struct KeysOfState {
  const ReadableState* state = nullptr;
  std::vector<std::string> keys;
  std::vector<int> places;
};

// A MultiGet that was understood.
struct ManyReads {
  std::vector<KeysOfState> states;
  ReadAt at;
  int results = 0;
};

Status CheckOneGroup(const std::vector<KeysOfState>& states) {
  const StateSpec& first = states.front().state->info().spec;
  for (const KeysOfState& of : states) {
    const StateSpec& spec = of.state->info().spec;
    if (spec.group == first.group) continue;
    return InvalidArgument("states '", first.name, "' and '", spec.name,
                           "' are of different batch groups, whose txids have nothing to do with "
                           "each other; ask for them in two calls");
  }
  return {};
}

StatusOr<ManyReads> ResolveMultiGet(const StateCatalog& catalog, const grpc::ByteBuffer& bytes) {
  v1::MultiGetRequest request;
  TRIDENT_RETURN_IF_ERROR(ParseMessage(bytes, request));
  if (request.lookups_size() == 0 || request.lookups_size() > kMultiGetKeysMax) {
    return InvalidArgument("a multi-get asks for 1 to ", kMultiGetKeysMax, " keys, found ",
                           request.lookups_size(), "; split it");
  }
  ManyReads out{.states = {}, .at = {}, .results = request.lookups_size()};
  TRIDENT_ASSIGN_OR_RETURN(out.at, ReadAtFrom(request.at()));
  std::map<std::string, size_t> known;
  for (int i = 0; i < request.lookups_size(); ++i) {
    const v1::Lookup& lookup = request.lookups(i);
    const auto [entry, is_new] = known.try_emplace(lookup.state(), out.states.size());
    if (is_new) {
      TRIDENT_ASSIGN_OR_RETURN(const ReadableState* state, FindState(catalog, lookup.state()));
      out.states.push_back({state, {}, {}});
    }
    KeysOfState& of = out.states[entry->second];
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<Datum> key, FromProto(lookup.key()));
    StatusOr<std::string> encoded = EncodeStateKey(of.state->info(), key);
    if (!encoded.ok()) return Annotate(encoded.status(), Concat("lookup ", i));
    of.keys.push_back(*std::move(encoded));
    of.places.push_back(i);
  }
  TRIDENT_RETURN_IF_ERROR(CheckOneGroup(out.states));
  return out;
}

Status GetKeys(const KeysOfState& of, TxId txid, v1::MultiGetResponse& response, int64_t& bytes) {
  size_t step = kMultiGetStep / 16;
  for (size_t begin = 0, end = 0; begin < of.keys.size(); begin = end) {
    end = std::min(of.keys.size(), begin + step);
    const int64_t bytes_before = bytes;
    const std::vector<std::string_view> keys(of.keys.begin() + begin, of.keys.begin() + end);
    TRIDENT_ASSIGN_OR_RETURN(const auto values, of.state->MultiGet(txid, keys));
    for (size_t i = begin; i < end; ++i) {
      const StatusOr<std::optional<std::string>>& value = values[i - begin];
      if (value.ok() && !value->has_value()) continue;
      v1::MultiGetResponse::Found& found = *response.mutable_results(of.places[i]);
      found.set_found(true);
      TRIDENT_RETURN_IF_ERROR(
          FillValue(of.state->info(), value.status(), value.ok() ? **value : "", found));
      bytes += static_cast<int64_t>(found.ByteSizeLong());
    }
    if (bytes > kRpcMessageBytesMax) {
      return ResourceExhausted("the answer to a multi-get of ", response.results_size(),
                               " keys has over ", kRpcMessageBytesMax,
                               " bytes, the limit; ask for fewer keys at once");
    }
    const int64_t got = bytes - bytes_before;
    step = got > kMultiGetStepBytes ? std::max<size_t>(step / 4, 1)
                                    : std::min(step * 2, kMultiGetStep);
  }
  return {};
}

Status GetMany(const StateCatalog& catalog, const ManyReads& reads,
               v1::MultiGetResponse& response) {
  response.Clear();
  const GroupId group = reads.states.front().state->info().spec.group;
  TRIDENT_ASSIGN_OR_RETURN(const Snapshot cut, catalog.Pin(group, reads.at));
  response.set_txid(cut.txid().value());
  response.mutable_results()->Reserve(reads.results);
  for (int i = 0; i < reads.results; ++i) response.add_results();
  int64_t bytes = 0;
  for (const KeysOfState& of : reads.states) {
    TRIDENT_RETURN_IF_ERROR(GetKeys(of, cut.txid(), response, bytes));
  }
  return {};
}

void Fill(const StateCatalog& catalog, const ReadableState& state, v1::StateInfo& out) {
  const StateInfo& info = state.info();
  out.set_name(info.spec.name);
  out.set_kind(std::string(ToString(info.spec.kind)));
  out.set_group(info.spec.group.value());
  for (const KeyField& field : info.spec.key_fields) {
    v1::KeyFieldInfo& key = *out.add_key();
    key.set_name(field.name);
    key.set_type(field.type->name);
    key.set_nullable(field.nullability == Nullability::kNullable);
  }
  out.set_value_type(info.value_type->name);
  out.set_partitions(info.spec.partitions);
  out.set_latest_txid(catalog.Published(info.spec.group).value());
  out.set_approximate_keys(state.ApproximateKeys());
  out.set_expire_after_micros(static_cast<uint64_t>(info.spec.expire_after_micros));
  out.set_unreadable_keys(state.UnreadableKeys());
}

}  // namespace

QueryBackend::QueryBackend(const StateCatalog& catalog_in, const Clock& clock_in, Nanos stall_max)
    : catalog(catalog_in),
      clock(clock_in),
      scans(clock, {"scans", kScansMax, stall_max}),
      watches(clock, {"watches", kWatchesMax, stall_max}),
      waiters(catalog, clock),
      work(catalog.MayWait() ? kFarReadThreads : kReadThreads) {}

StatusOr<ReadAt> ReadAtFrom(const v1::ReadAt& at) {
  switch (at.at_case()) {
    case v1::ReadAt::kAtLeast:
      return ReadAt::AtLeast(TxId(at.at_least()), 0);
    case v1::ReadAt::kExactly:
      return ReadAt::Exactly(TxId(at.exactly()));
    case v1::ReadAt::kLatest:
      if (!at.latest()) {
        return InvalidArgument(
            "expected `latest: true` in `at`, found `latest: false`; leave it "
            "out to read at the latest txid");
      }
      break;
    case v1::ReadAt::AT_NOT_SET:
      break;
  }
  return ReadAt::Latest();
}

Nanos AwaitDeadline(const grpc::CallbackServerContext& context, const Clock& clock) {
  const Nanos left = NanosLeft(context);
  const bool unbounded = left == std::numeric_limits<Nanos>::max();
  return clock.MonotonicNanos() + (unbounded ? kAwaitTxidMsDefault * kMillisecond : left);
}

std::optional<TxId> Awaited(const StateCatalog& catalog, GroupId group, const ReadAt& at) {
  if (at.kind == ReadAt::Kind::kExactly) return std::nullopt;
  const TxId wanted = at.kind == ReadAt::Kind::kAtLeast ? at.txid : catalog.Newest(group);
  return catalog.Published(group) < wanted ? std::optional(wanted) : std::nullopt;
}

void QueryService::Stop() {
  backend_.stopping = true;
  backend_.waiters.Stop();
}

grpc::ServerUnaryReactor* QueryService::Get(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) {
  const StatusOr<PointRead> read = ResolveGet(backend_.catalog, *request);
  if (!read.ok()) return FinishNow(*context, read.status());
  return Answer(backend_, *context, read->state->info().spec.group, read->at, Weight::kPoint,
                [this, read = *read, response]() -> Status {
                  v1::GetResponse answer;
                  TRIDENT_RETURN_IF_ERROR(AtSomeCut(backend_.catalog, read.at, [&] {
                    return GetOne(backend_.catalog, read, answer);
                  }));
                  *response = SerializeMessage(answer);
                  return {};
                });
}

grpc::ServerUnaryReactor* QueryService::MultiGet(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  StatusOr<ManyReads> reads = ResolveMultiGet(backend_.catalog, *request);
  if (!reads.ok()) return FinishNow(*context, reads.status());
  const GroupId group = reads->states.front().state->info().spec.group;
  const ReadAt at = reads->at;
  const Weight weight = reads->results <= kMultiGetInlineKeysMax ? Weight::kPoint : Weight::kLong;
  return Answer(backend_, *context, group, at, weight,
                [this, reads = *std::move(reads), response]() -> Status {
                  v1::MultiGetResponse answer;
                  TRIDENT_RETURN_IF_ERROR(AtSomeCut(backend_.catalog, reads.at, [&] {
                    return GetMany(backend_.catalog, reads, answer);
                  }));
                  *response = SerializeMessage(answer);
                  return {};
                });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* QueryService::Scan(grpc::CallbackServerContext* context,
                                                               const grpc::ByteBuffer* request) {
  return NewScanStream(backend_, *context, *request);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* QueryService::Watch(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return NewWatchStream(backend_, *context, *request);
}

grpc::ServerUnaryReactor* QueryService::ListStates(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  v1::ListStatesRequest understood;
  if (const Status parsed = ParseMessage(*request, understood); !parsed.ok()) {
    return FinishNow(*context, parsed);
  }
  const auto list = [this, response]() -> Status {
    v1::ListStatesResponse answer;
    std::set<GroupId> groups;
    for (const ReadableState* state : backend_.catalog.List()) {
      // What the workers that are there know of it would not be all.
      const GroupId group = state->info().spec.group;
      if (backend_.catalog.MayWait() && groups.insert(group).second) {
        TRIDENT_RETURN_IF_ERROR(backend_.catalog.Pin(group, ReadAt::Latest()).status());
      }
      Fill(backend_.catalog, *state, *answer.add_states());
    }
    *response = SerializeMessage(answer);
    return {};
  };
  if (!backend_.catalog.MayWait()) return FinishNow(*context, list());
  auto* deferred = new DeferredRead(backend_, Weight::kLong, list);
  deferred->Run();
  return deferred;
}

}  // namespace trident
