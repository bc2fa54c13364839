// SPDX-License-Identifier: Apache-2.0
//
// SnapshotCut: a cut that is read, as one snapshot per batch group.
#ifndef TRIDENT_TRIDENT_PLAN_SNAPSHOT_CUT_H_
#define TRIDENT_TRIDENT_PLAN_SNAPSHOT_CUT_H_

#include <map>
#include <utility>

#include "base/check.h"
#include "engine/operator.h"
#include "state/view/snapshot.h"

namespace trident {

class SnapshotCut final : public ReadCut {
 public:
  void Add(Snapshot snapshot) {
    const GroupId group = snapshot.group();
    snapshots_.emplace(group, std::move(snapshot));
  }
  TxId At(GroupId group) const override {
    auto it = snapshots_.find(group);
    TRIDENT_CHECK(it != snapshots_.end()) << "no snapshot of group " << group.value();
    return it->second.txid();
  }

 private:
  std::map<GroupId, Snapshot> snapshots_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLAN_SNAPSHOT_CUT_H_
