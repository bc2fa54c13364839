// SPDX-License-Identifier: Apache-2.0
#include "trident/plan/state_declaration.h"

#include "base/check.h"
#include "state/state_store.h"
#include "trident/plan/snapshot_cut.h"

namespace trident {

Status StateDeclaration::OpenIn(StateStore& store, GroupId group) {
  // While it is opened again, readers may look at its group.
  if (spec_.group != group) spec_.group = group;
  store_ = &store;
  return Open(store);
}

void StateDeclaration::ReadThrough(const ReadableState& state) {
  spec_.group = state.info().spec.group;
  SetReader(state);
}

StatusOr<std::shared_ptr<const ReadCut>> StateDeclaration::PinNewest() const {
  TRIDENT_CHECK(store_ != nullptr) << "state " << spec_.name << " is not open";
  TRIDENT_ASSIGN_OR_RETURN(Snapshot pinned, store_->Pin(spec_.group, ReadAt::Latest()));
  auto cut = std::make_shared<SnapshotCut>();
  cut->Add(std::move(pinned));
  return std::shared_ptr<const ReadCut>(std::move(cut));
}

TxId StateDeclaration::Published() const { return store_->Published(spec_.group); }

Status CheckKeyTypes(std::span<const KeyField> wanted, std::span<const KeyField> key) {
  const auto listed = [](std::span<const KeyField> fields) {
    std::string out;
    for (const KeyField& field : fields) {
      out += (out.empty() ? "" : ", ") + field.type->name;
      if (field.nullability == Nullability::kNullable) out += "?";
    }
    return "[" + out + "]";
  };
  if (listed(wanted) == listed(key)) return absl::OkStatus();
  return InvalidArgument("its keys are ", listed(wanted), ", but the stream is grouped by ",
                         listed(key));
}

}  // namespace trident
