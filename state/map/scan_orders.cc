// SPDX-License-Identifier: Apache-2.0
#include "state/map/scan_orders.h"

#include <utility>

#include "base/check.h"

namespace trident {

void ScanOrders::NextGeneration() {
  ++generation_;
  Drop();
}

bool ScanOrders::NotePage(TxId at) { return std::exchange(last_page_at_, at) == at; }

std::shared_ptr<const ScanOrder> ScanOrders::Find(TxId at, TxId oldest) const {
  const bool found = kept_ != nullptr && kept_->at == at && IsCurrent(*kept_, oldest);
  return found ? kept_ : nullptr;
}

void ScanOrders::Keep(std::shared_ptr<const ScanOrder> order) {
  TRIDENT_CHECK_EQ(order->generation, generation_);
  bytes_.store(order->slots.capacity() * sizeof(uint32_t), std::memory_order_relaxed);
  kept_ = std::move(order);
}

void ScanOrders::DropUnreadable(TxId oldest) {
  if (kept_ != nullptr && kept_->at < oldest) Drop();
}

void ScanOrders::Drop() {
  bytes_.store(0, std::memory_order_relaxed);
  kept_ = nullptr;
}

}  // namespace trident
