// SPDX-License-Identifier: Apache-2.0
#include "state/map/earlier_bases.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace trident {

void EarlierBases::BeginAppending(TxId until, BaseRef before) {
  TRIDENT_CHECK(!appending_) << "a partition is folded by one at a time";
  TRIDENT_CHECK(views_.empty() || views_.back().until <= until);
  views_.push_back({until, std::move(before)});
  appending_ = true;
}

const BaseRef& EarlierBases::BeforeFold() const {
  TRIDENT_CHECK(appending_);
  return views_.back().before;
}

BaseRef EarlierBases::UnderReplaced(ShortTxId by) const {
  for (const View& view : views_) {
    if (!by.IsAfter(view.until)) return view.before;
  }
  return nullptr;
}

void EarlierBases::Release(TxId oldest) {
  const auto in_use = views_.end() - (appending_ ? 1 : 0);
  const auto kept = std::find_if(views_.begin(), in_use,
                                 [oldest](const View& view) { return view.until > oldest; });
  views_.erase(views_.begin(), kept);
}

}  // namespace trident
