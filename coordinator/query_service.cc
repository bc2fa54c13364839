// SPDX-License-Identifier: Apache-2.0
#include "coordinator/query_service.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "coordinator/datum_codec.h"
#include "coordinator/service_calls.h"
#include "coordinator/state_access.h"

namespace trident {
namespace {

// Keys that one step of a multi-get reads; between steps the size of the answer is looked at.
constexpr size_t kMultiGetStep = 256;

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

// Calls `read` when `at` of `group` can be read: now and here if possible.
template <class Read>
grpc::ServerUnaryReactor* Answer(QueryBackend& backend, grpc::CallbackServerContext& context,
                                 GroupId group, const ReadAt& at, Weight weight, Read read) {
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

Status GetOne(const StateCatalog& catalog, const ReadableState& state, const std::string& key,
              const ReadAt& at, v1::GetResponse& response) {
  TRIDENT_ASSIGN_OR_RETURN(const Snapshot cut, catalog.Pin(state.info().spec.group, at));
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> value, state.Get(cut.txid(), key));
  response.set_txid(cut.txid().value());
  if (!value) return {};
  TRIDENT_ASSIGN_OR_RETURN(const Datum datum, DecodeStateValue(state.info(), *value));
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

StatusOr<std::vector<KeysOfState>> ResolveLookups(const StateCatalog& catalog,
                                                  const v1::MultiGetRequest& request) {
  if (request.lookups_size() == 0 || request.lookups_size() > kMultiGetKeysMax) {
    return InvalidArgument("a multi-get asks for 1 to ", kMultiGetKeysMax, " keys, found ",
                           request.lookups_size(), "; split it");
  }
  std::vector<KeysOfState> out;
  std::map<std::string, size_t> known;
  for (int i = 0; i < request.lookups_size(); ++i) {
    const v1::Lookup& lookup = request.lookups(i);
    const auto [entry, is_new] = known.try_emplace(lookup.state(), out.size());
    if (is_new) {
      TRIDENT_ASSIGN_OR_RETURN(const ReadableState* state, FindState(catalog, lookup.state()));
      out.push_back({state, {}, {}});
    }
    KeysOfState& of = out[entry->second];
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<Datum> key, FromProto(lookup.key()));
    StatusOr<std::string> encoded = EncodeStateKey(of.state->info(), key);
    if (!encoded.ok()) return Annotate(encoded.status(), Concat("lookup ", i));
    of.keys.push_back(*std::move(encoded));
    of.places.push_back(i);
  }
  for (const KeysOfState& of : out) {
    if (of.state->info().spec.group == out[0].state->info().spec.group) continue;
    return InvalidArgument("states ", out[0].state->info().spec.name, " and ",
                           of.state->info().spec.name,
                           " are of different batch groups, whose txids have nothing to do with "
                           "each other; ask for them in two calls");
  }
  return out;
}

Status GetKeys(const KeysOfState& of, TxId txid, v1::MultiGetResponse& response, int64_t& bytes) {
  for (size_t begin = 0; begin < of.keys.size(); begin += kMultiGetStep) {
    const size_t end = std::min(of.keys.size(), begin + kMultiGetStep);
    const std::vector<std::string_view> keys(of.keys.begin() + begin, of.keys.begin() + end);
    TRIDENT_ASSIGN_OR_RETURN(const auto values, of.state->MultiGet(txid, keys));
    for (size_t i = begin; i < end; ++i) {
      const std::optional<std::string>& value = values[i - begin];
      if (!value) continue;
      TRIDENT_ASSIGN_OR_RETURN(const Datum datum, DecodeStateValue(of.state->info(), *value));
      v1::MultiGetResponse::Found& found = *response.mutable_results(of.places[i]);
      found.set_found(true);
      ToProto(datum, *found.mutable_value());
      bytes += static_cast<int64_t>(found.ByteSizeLong());
    }
    if (bytes > kRpcMessageBytesMax) {
      return ResourceExhausted("the answer to a multi-get of ", response.results_size(),
                               " keys has over ", kRpcMessageBytesMax,
                               " bytes, the limit; ask for fewer keys at once");
    }
  }
  return {};
}

Status GetMany(const StateCatalog& catalog, const std::vector<KeysOfState>& keys, const ReadAt& at,
               int results, v1::MultiGetResponse& response) {
  TRIDENT_ASSIGN_OR_RETURN(const Snapshot cut, catalog.Pin(keys[0].state->info().spec.group, at));
  response.set_txid(cut.txid().value());
  response.mutable_results()->Reserve(results);
  for (int i = 0; i < results; ++i) response.add_results();
  int64_t bytes = 0;
  Status status;
  for (const KeysOfState& of : keys) {
    if (status.ok()) status = GetKeys(of, cut.txid(), response, bytes);
  }
  if (!status.ok()) response.Clear();
  return status;
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
}

}  // namespace

QueryBackend::QueryBackend(const StateCatalog& catalog_in, const Clock& clock_in, Nanos stall_max)
    : catalog(catalog_in),
      clock(clock_in),
      scans(clock, {"scans", kScansMax, stall_max}),
      watches(clock, {"watches", kWatchesMax, stall_max}),
      waiters(catalog, clock),
      work(kReadThreads) {}

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
  const bool waits = at.kind == ReadAt::Kind::kAtLeast && catalog.Published(group) < at.txid;
  return waits ? std::optional(at.txid) : std::nullopt;
}

void QueryService::Stop() {
  backend_.stopping = true;
  backend_.waiters.Stop();
}

grpc::ServerUnaryReactor* QueryService::Get(grpc::CallbackServerContext* context,
                                            const v1::GetRequest* request,
                                            v1::GetResponse* response) {
  const StatusOr<const ReadableState*> state = FindState(backend_.catalog, request->state());
  if (!state.ok()) return FinishNow(*context, state.status());
  const StatusOr<ReadAt> at = ReadAtFrom(request->at());
  if (!at.ok()) return FinishNow(*context, at.status());
  const StatusOr<std::vector<Datum>> values = FromProto(request->key());
  if (!values.ok()) return FinishNow(*context, values.status());
  StatusOr<std::string> key = EncodeStateKey((*state)->info(), *values);
  if (!key.ok()) return FinishNow(*context, key.status());
  return Answer(backend_, *context, (*state)->info().spec.group, *at, Weight::kPoint,
                [this, state = *state, key = *std::move(key), at = *at, response] {
                  return GetOne(backend_.catalog, *state, key, at, *response);
                });
}

grpc::ServerUnaryReactor* QueryService::MultiGet(grpc::CallbackServerContext* context,
                                                 const v1::MultiGetRequest* request,
                                                 v1::MultiGetResponse* response) {
  const StatusOr<ReadAt> at = ReadAtFrom(request->at());
  if (!at.ok()) return FinishNow(*context, at.status());
  StatusOr<std::vector<KeysOfState>> keys = ResolveLookups(backend_.catalog, *request);
  if (!keys.ok()) return FinishNow(*context, keys.status());
  const int results = request->lookups_size();
  const GroupId group = keys->front().state->info().spec.group;
  const Weight weight = results <= kMultiGetInlineKeysMax ? Weight::kPoint : Weight::kLong;
  return Answer(backend_, *context, group, *at, weight,
                [this, keys = *std::move(keys), at = *at, results, response] {
                  return GetMany(backend_.catalog, keys, at, results, *response);
                });
}

grpc::ServerWriteReactor<v1::ScanPage>* QueryService::Scan(grpc::CallbackServerContext* context,
                                                           const v1::ScanRequest* request) {
  return NewScanStream(backend_, *context, *request);
}

grpc::ServerWriteReactor<v1::WatchEvent>* QueryService::Watch(grpc::CallbackServerContext* context,
                                                              const v1::WatchRequest* request) {
  return NewWatchStream(backend_, *context, *request);
}

grpc::ServerUnaryReactor* QueryService::ListStates(grpc::CallbackServerContext* context,
                                                   const v1::ListStatesRequest*,
                                                   v1::ListStatesResponse* response) {
  for (const ReadableState* state : backend_.catalog.List()) {
    Fill(backend_.catalog, *state, *response->add_states());
  }
  return FinishNow(*context, {});
}

}  // namespace trident
