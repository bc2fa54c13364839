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
  for (;;) {
    TRIDENT_ASSIGN_OR_RETURN(StatePage page, state_->Scan(txid(), left, PageLimits{}));
    for (const StateRow& row : page.rows) {
      TRIDENT_ASSIGN_OR_RETURN(std::vector<Datum> key, DecodeStateKey(info(), row.key));
      TRIDENT_RETURN_IF_ERROR(visit(StateKey(std::move(key)), row.value));
    }
    if (!page.resume.has_value()) return absl::OkStatus();
    left.begin = *std::move(page.resume);
  }
}

Status UntypedCut::NoValue(const StateKey& key, std::string_view why) const {
  std::string fields;
  for (const Datum& field : key.fields()) {
    if (!fields.empty()) fields += ", ";
    fields += ToString(field);
  }
  return DataLoss("state ", Describe(info()), ": the bytes under key (", fields,
                  ") cannot be read as ", info().value_type->name, ": ", why);
}

}  // namespace trident
