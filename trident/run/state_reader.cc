// SPDX-License-Identifier: Apache-2.0
#include "trident/run/state_reader.h"

#include "coordinator/serve/state_access.h"

namespace trident {
namespace {

StatusOr<KeyRange> BytesOf(const StateInfo& info, const StateRange& range) {
  if (range.prefix.has_value()) {
    if (range.from.has_value() || range.to.has_value()) {
      return InvalidArgument("a range of state ", info.spec.name,
                             " is given by a prefix or by from and to, not by both");
    }
    return RangeOf(
        info, {.kind = KeySelection::Kind::kPrefix, .first = range.prefix->fields(), .last = {}});
  }
  if (!range.from.has_value() && !range.to.has_value()) return KeyRange::All();
  KeySelection keys{.kind = KeySelection::Kind::kRange, .first = {}, .last = {}};
  if (range.from.has_value()) keys.first = range.from->fields();
  if (range.to.has_value()) keys.last = range.to->fields();
  return RangeOf(info, keys);
}

std::string KeyText(const StateKey& key) {
  std::string fields;
  for (const Datum& field : key.fields()) {
    if (!fields.empty()) fields += ", ";
    fields += ToString(field);
  }
  return fields;
}

std::string CannotBeRead(const StateInfo& info, const StateKey& key, std::string_view why) {
  return Concat("state ", Describe(info), ": the bytes under key (", KeyText(key),
                ") cannot be read as ", info.value_type->name, ": ", why);
}

// The rows of a scan whose values cannot be read.
class UnreadableRows {
 public:
  void Add(const std::string& key, const Status& why) {
    if (count_++ == 0) first_ = std::string(Message(why));
    if (count_ <= kNamed) keys_ += Concat(count_ == 1 ? "(" : ", (", key, ")");
  }
  Status ToStatus(const StateInfo& info) const {
    if (count_ == 0) return absl::OkStatus();
    return Aborted("state ", Describe(info), ": all keys were visited but ", count_,
                   ", whose values cannot be read: ", keys_, count_ > kNamed ? ", ..." : "",
                   "; the first because ", first_);
  }

 private:
  static constexpr uint64_t kNamed = 5;

  uint64_t count_ = 0;
  std::string keys_;
  std::string first_;
};

Status MovedFrom() {
  return FailedPrecondition("this cut was moved from; read the one that it was moved to");
}

}  // namespace

StatusOr<UntypedCut> UntypedCut::Of(const Run& run, const std::string& name, const TypeInfo& type,
                                    const ReadAt& at) {
  TRIDENT_ASSIGN_OR_RETURN(const ReadableState* const state, FindState(run.states(), name));
  const StateInfo& info = state->info();
  if (!SameType(*info.value_type, type)) {
    return FailedPrecondition("state ", Describe(info), " has values of ", info.value_type->name,
                              " and is read as a state of ", type.name);
  }
  TRIDENT_ASSIGN_OR_RETURN(Snapshot snapshot, run.states().Pin(info.spec.group, at));
  return UntypedCut(state, std::move(snapshot));
}

StatusOr<std::vector<UntypedCut::Encoded>> UntypedCut::Read(
    const std::vector<StateKey>& keys) const {
  if (state_ == nullptr) return MovedFrom();
  std::vector<std::string> encoded;
  encoded.reserve(keys.size());
  for (const StateKey& key : keys) {
    TRIDENT_ASSIGN_OR_RETURN(std::string bytes, EncodeStateKey(info(), key.fields()));
    encoded.push_back(std::move(bytes));
  }
  const std::vector<std::string_view> views(encoded.begin(), encoded.end());
  return state_->MultiGet(txid(), views);
}

Status UntypedCut::Scan(const StateRange& range, Visit visit) const {
  if (state_ == nullptr) return MovedFrom();
  TRIDENT_ASSIGN_OR_RETURN(KeyRange left, BytesOf(info(), range));
  UnreadableRows unreadable;
  for (;;) {
    TRIDENT_ASSIGN_OR_RETURN(StatePage page, state_->Scan(txid(), left, PageLimits{}));
    for (const StateRow& row : page.rows) {
      TRIDENT_ASSIGN_OR_RETURN(std::vector<Datum> fields, DecodeStateKey(info(), row.key));
      const StateKey key(std::move(fields));
      const Status read = row.error.ok() ? visit(key, row.value) : row.error;
      if (read.ok()) continue;
      if (read.code() != StatusCode::kAborted) return read;
      unreadable.Add(KeyText(key), read);
    }
    if (!page.resume.has_value()) return unreadable.ToStatus(info());
    left.begin = *std::move(page.resume);
  }
}

Status UntypedCut::NoValue(const StateKey& key, std::string_view why) const {
  return DataLoss(CannotBeRead(info(), key, why));
}

Status UntypedCut::Throws(const StateKey& key, std::string_view why) const {
  return Aborted(CannotBeRead(info(), key, why));
}

}  // namespace trident
