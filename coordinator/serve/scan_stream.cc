// SPDX-License-Identifier: Apache-2.0
//
// One scan: pages of one state at one held txid, each read when the client has taken the one
// before.
#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/coding.h"
#include "base/hash.h"
#include "base/limits.h"
#include "coordinator/serve/datum_codec.h"
#include "coordinator/serve/query_service.h"
#include "coordinator/serve/service_calls.h"
#include "coordinator/serve/state_access.h"

namespace trident {
namespace {

// Where a scan stands, as its resume token says it: version (1 byte), hash of what is scanned
// (fixed 64), txid (varint), next key (length-prefixed), hash of all before (fixed 64). Opaque to
// clients.
struct ScanPosition {
  TxId txid;
  std::string next;
};
constexpr char kTokenVersion = 1;

// A token is good only for the state and the bounds that it was made for.
uint64_t ScanIdentity(const StateInfo& state, const KeyRange& range) {
  std::string identity;
  PutLengthPrefixed(identity, state.spec.name);
  PutLengthPrefixed(identity, range.begin);
  PutLengthPrefixed(identity, range.end);
  return HashBytes(identity);
}

std::string EncodeToken(uint64_t identity, const ScanPosition& position) {
  std::string out(1, kTokenVersion);
  PutFixed64(out, identity);
  PutVarint(out, position.txid.value());
  PutLengthPrefixed(out, position.next);
  PutFixed64(out, HashBytes(out));
  return out;
}

StatusOr<ScanPosition> DecodeToken(uint64_t identity, const KeyRange& range,
                                   std::string_view token) {
  ByteReader in(token);
  const bool known = in.Bytes(1) == std::string_view(&kTokenVersion, 1);
  const bool same_scan = in.Fixed64() == identity;
  ScanPosition position{TxId(in.Varint()), std::string(in.LengthPrefixed())};
  const uint64_t expected = in.ok() ? HashBytes(token.substr(0, token.size() - in.remaining())) : 0;
  const bool whole = in.Fixed64() == expected && in.done();
  if (known && whole && same_scan && range.Contains(position.next)) return position;
  if (known && whole) {
    return InvalidArgument(
        "the resume_token is of a scan of another state or other bounds; pass "
        "the ones that it came from, or start anew without a token");
  }
  return InvalidArgument(
      "the resume_token is damaged or of another version; pass it as it came, or "
      "start anew without a token");
}

StatusOr<KeySelection> SelectionFrom(const v1::ScanRequest& request) {
  KeySelection keys;
  if (request.has_prefix()) {
    keys.kind = KeySelection::Kind::kPrefix;
    TRIDENT_ASSIGN_OR_RETURN(keys.first, FromProto(request.prefix()));
  } else if (request.has_range()) {
    keys.kind = KeySelection::Kind::kRange;
    TRIDENT_ASSIGN_OR_RETURN(keys.first, FromProto(request.range().from()));
    TRIDENT_ASSIGN_OR_RETURN(keys.last, FromProto(request.range().to()));
  }
  return keys;
}

// At any time exactly one of these is under way: a wait for the txid, a step on a work thread, a
// write, Finish.
class ScanStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  ScanStream(QueryBackend& backend, grpc::CallbackServerContext& context,
             const grpc::ByteBuffer& request)
      : backend_(backend) {
    const Status status = Begin(context, request);
    if (!status.ok()) Finish(ToGrpc(status));
  }

  void OnWriteDone(bool ok) override {
    slot_.WriteEnds();
    ok ? PostStep() : Finish(grpc::Status::CANCELLED);
  }
  void OnCancel() override {
    if (wait_.Cancel()) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  Status Begin(grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes) {
    v1::ScanRequest request;
    TRIDENT_RETURN_IF_ERROR(ParseMessage(bytes, request));
    TRIDENT_RETURN_IF_ERROR(Open(context, request));
    const GroupId group = state_->info().spec.group;
    const std::optional<TxId> awaited = Awaited(backend_.catalog, group, at_);
    if (awaited) {
      return wait_.Start(
          backend_.waiters, group, *awaited, AwaitDeadline(context, backend_.clock),
          [this](Status reached) { reached.ok() ? PostStep() : Finish(ToGrpc(reached)); });
    }
    PostStep();
    return {};
  }

  Status Open(grpc::CallbackServerContext& context, const v1::ScanRequest& request) {
    TRIDENT_ASSIGN_OR_RETURN(state_, FindState(backend_.catalog, request.state()));
    TRIDENT_ASSIGN_OR_RETURN(const KeySelection keys, SelectionFrom(request));
    TRIDENT_ASSIGN_OR_RETURN(range_, RangeOf(state_->info(), keys));
    TRIDENT_ASSIGN_OR_RETURN(at_, ReadAtFrom(request.at()));
    identity_ = ScanIdentity(state_->info(), range_);
    if (!request.resume_token().empty()) TRIDENT_RETURN_IF_ERROR(Resume(request));
    if (request.rows_max() > 0) rows_left_ = request.rows_max();
    if (request.page_rows() > 0) page_rows_ = request.page_rows();
    page_rows_ = std::min<uint64_t>(page_rows_, kScanPageRowsMax);
    TRIDENT_ASSIGN_OR_RETURN(slot_, backend_.scans.Enter([&context] { context.TryCancel(); }));
    return {};
  }

  Status Resume(const v1::ScanRequest& request) {
    if (request.at().at_case() != v1::ReadAt::AT_NOT_SET) {
      return InvalidArgument(
          "a scan that resumes reads at the txid of its resume_token; leave `at` "
          "out, or start anew without a token");
    }
    TRIDENT_ASSIGN_OR_RETURN(ScanPosition position,
                             DecodeToken(identity_, range_, request.resume_token()));
    at_ = ReadAt::Exactly(position.txid);
    range_.begin = std::move(position.next);
    return {};
  }

  void PostStep() {
    backend_.work.Post([this] { Step(); });
  }

  // Reads and sends the next page.
  void Step() {
    if (wait_.cancelled()) return Finish(grpc::Status::CANCELLED);
    if (backend_.stopping) return Finish(ToGrpc(Unavailable("the topology is stopping")));
    page_.Clear();
    StatusOr<bool> last = ReadPage();
    if (!last.ok()) return Finish(ToGrpc(last.status()));
    // A long stretch without rows: let other streams have their turn.
    if (!*last && page_.entries_size() == 0) return PostStep();
    bytes_ = SerializeMessage(page_);
    slot_.WriteBegins();
    // All is read: a client that is slow to take the last page holds no txid.
    if (*last) cut_.reset();
    *last ? StartWriteAndFinish(&bytes_, grpc::WriteOptions(), grpc::Status::OK)
          : StartWrite(&bytes_);
  }

  // Fills page_; true when it is the last one.
  StatusOr<bool> ReadPage() {
    if (!cut_) {
      TRIDENT_ASSIGN_OR_RETURN(cut_,
                               backend_.catalog.PinEverywhere(state_->info().spec.group, at_));
    }
    const PageLimits limits{std::min(page_rows_, rows_left_), kScanStreamPageBytes};
    TRIDENT_ASSIGN_OR_RETURN(StatePage rows, state_->Scan(cut_->txid(), range_, limits));
    page_.set_txid(cut_->txid().value());
    page_.mutable_entries()->Reserve(static_cast<int>(rows.rows.size()));
    for (const StateRow& row : rows.rows) {
      v1::Entry& entry = *page_.add_entries();
      TRIDENT_ASSIGN_OR_RETURN(const auto key, DecodeStateKey(state_->info(), row.key));
      ToProto(key, *entry.mutable_key());
      TRIDENT_RETURN_IF_ERROR(FillValue(state_->info(), row.error, row.value, entry));
    }
    rows_left_ -= rows.rows.size();
    if (!rows.resume) return true;
    range_.begin = *std::move(rows.resume);
    page_.set_resume_token(EncodeToken(identity_, {cut_->txid(), range_.begin}));
    return rows_left_ == 0;
  }

  QueryBackend& backend_;
  StreamSlots::Slot slot_;
  CancellableWait wait_;

  // Constant after Open.
  const ReadableState* state_ = nullptr;
  ReadAt at_;
  uint64_t identity_ = 0;
  uint64_t page_rows_ = kScanStreamPageRowsDefault;

  // Touched by whatever is under way.
  std::optional<Snapshot> cut_;
  KeyRange range_;  // what is still to be read
  uint64_t rows_left_ = std::numeric_limits<uint64_t>::max();
  v1::ScanPage page_;
  grpc::ByteBuffer bytes_;  // of page_
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* NewScanStream(QueryBackend& backend,
                                                          grpc::CallbackServerContext& context,
                                                          const grpc::ByteBuffer& request) {
  return new ScanStream(backend, context, request);
}

}  // namespace trident
