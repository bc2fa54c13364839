// SPDX-License-Identifier: Apache-2.0
#include "state/map/scan_orders.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace trident {

void ScanOrders::NextGeneration() {
  ++generation_;
  kept_.clear();
  CountBytes();
}

bool ScanOrders::NotePage(TxId at) {
  const auto found = std::find(pages_at_.begin(), pages_at_.end(), at);
  const bool is_known = found != pages_at_.end() && at != TxId(0);
  std::rotate(pages_at_.begin(), is_known ? found : pages_at_.end() - 1,
              is_known ? found + 1 : pages_at_.end());
  pages_at_[0] = at;
  return is_known;
}

std::shared_ptr<const ScanOrder> ScanOrders::Find(TxId at, TxId oldest) const {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const auto& order) {
    return order->at == at && IsCurrent(*order, oldest);
  });
  if (found == kept_.end()) return nullptr;
  std::rotate(kept_.begin(), found, found + 1);
  return kept_.front();
}

void ScanOrders::Keep(std::shared_ptr<const ScanOrder> order) {
  TRIDENT_CHECK_EQ(order->generation, generation_);
  std::erase_if(kept_, [&](const auto& kept) { return kept->at == order->at; });
  if (kept_.size() == kOrdersMax) kept_.pop_back();
  kept_.insert(kept_.begin(), std::move(order));
  CountBytes();
}

void ScanOrders::DropUnreadable(TxId oldest) {
  if (kept_.empty()) return;
  std::erase_if(kept_, [oldest](const auto& order) { return order->at < oldest; });
  CountBytes();
}

void ScanOrders::CountBytes() {
  uint64_t bytes = 0;
  for (const auto& order : kept_) bytes += order->slots.capacity() * sizeof(uint32_t);
  bytes_.store(bytes, std::memory_order_relaxed);
}

}  // namespace trident
