// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, sixth part: values that nobody has read. A delta over a value of the base costs
// nothing to commit, and its fold need not read that value either: it appends the delta
// (BulkLoad::Append), and from then on the entry is as unread as one that was never changed.
//
// So what "over the base" means changes with such a fold, and the base changes before the entries
// do. Therefore the fold keeps a view of the base as it was before:
//
//   from before its bulk load is installed   each entry that it is at is over that view
//   then, one after the other                an entry that has not changed since becomes unread,
//                                            over the new base; one that has changed is read, in
//                                            the view, and known from then on
//   as long as a txid before it is readable  a previous value that a folded txid replaced is over
//                                            that view
//
// What is over a base is so over the first one that its change is not in.
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_UNREAD_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_UNREAD_H_

#include <numeric>
#include <optional>
#include <utility>

#include "state/map/map_partition.h"

namespace trident {

template <class V>
auto MapPartition<V>::BaseUnder(uint32_t slot, TxId at) const -> Under {
  const uint32_t after = ChangeAfter(slot, at);
  if (after != kNone) {
    for (const EarlierBase& earlier : earlier_bases_) {
      if (!log_.at(after).IsAfter(earlier.until)) return earlier.view;
    }
  }
  return BaseUnderNewest(table_.entry(slot));
}

template <class V>
auto MapPartition<V>::BaseUnderNewest(const Entry& e) const -> Under {
  return fold_appends_ && (e.dirty & kFolding) != 0 ? earlier_bases_.back().view : nullptr;
}

template <class V>
void MapPartition<V>::ReleaseEarlierBases() {
  const TxId oldest = context_.timeline->oldest();
  const auto in_use = earlier_bases_.end() - (fold_appends_ ? 1 : 0);
  const auto kept = std::find_if(earlier_bases_.begin(), in_use,
                                 [&](const EarlierBase& base) { return base.until > oldest; });
  earlier_bases_.erase(earlier_bases_.begin(), kept);
}

template <class V>
StatusOr<std::vector<std::optional<V>>> MapPartition<V>::ReadBase(
    std::span<const std::string_view> keys, std::span<const Under> unders) const {
  std::vector<std::optional<V>> values(keys.size());
  std::vector<uint32_t> rest(keys.size());
  std::iota(rest.begin(), rest.end(), 0);
  const auto view_of = [&](uint32_t i) { return unders.empty() ? nullptr : unders[i].get(); };
  while (!rest.empty()) {
    // There are one or two, seldom more.
    const BaseView* view = view_of(rest.front());
    const auto others = std::stable_partition(rest.begin(), rest.end(),
                                              [&](uint32_t i) { return view_of(i) == view; });
    const size_t same = static_cast<size_t>(others - rest.begin());
    TRIDENT_RETURN_IF_ERROR(ReadBaseIn(view, keys, std::span(rest).first(same), values));
    rest.erase(rest.begin(), others);
  }
  return values;
}

template <class V>
Status MapPartition<V>::ReadBaseIn(const BaseView* view, std::span<const std::string_view> keys,
                                   std::span<const uint32_t> which,
                                   std::vector<std::optional<V>>& values) const {
  std::vector<std::string_view> wanted;
  wanted.reserve(which.size());
  for (uint32_t i : which) wanted.push_back(keys[i]);
  Status failed;
  TRIDENT_RETURN_IF_ERROR(base_.Read(wanted, {base_keys_.load(std::memory_order_relaxed), view},
                                     [&](size_t i, std::string_view encoded) {
                                       values[which[i]] = DecodeStored<V>(base_, wanted[i], encoded,
                                                                          options_.combine, failed);
                                     }));
  return failed;
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_UNREAD_H_
