// SPDX-License-Identifier: Apache-2.0
#include "state/map/stuck_bases.h"

#include <iterator>
#include <memory>
#include <utility>

#include "base/check.h"

namespace trident {
namespace {

class OneKeyBase final : public BaseView {
 public:
  OneKeyBase(std::string key, std::string value) : key_(std::move(key)), value_(std::move(value)) {}
  Status MultiGet(std::span<const std::string_view> keys,
                  const std::function<void(size_t, std::string_view)>& found) const override {
    for (size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == key_) found(i, value_);
    }
    return absl::OkStatus();
  }
  std::unique_ptr<Cursor> NewCursor(const CursorOptions&) const override {
    TRIDENT_CHECK(false) << "nobody walks through one key";
    return nullptr;
  }

 private:
  const std::string key_;
  const std::string value_;
};

}  // namespace

BaseRef BaseOfOneKey(std::string stored_key, std::string value) {
  return std::make_shared<OneKeyBase>(std::move(stored_key), std::move(value));
}

void StuckBases::Stick(uint32_t slot, TxId since, BaseRef under) {
  std::vector<Span>& spans = slots_[slot];
  if (!spans.empty() && spans.back().until == TxId(0)) return;
  spans.push_back({since, TxId(0), std::move(under)});
}

void StuckBases::Unstick(uint32_t slot, TxId until) {
  const auto found = slots_.find(slot);
  if (found == slots_.end() || found->second.back().until != TxId(0)) return;
  found->second.back().until = until;
}

void StuckBases::Release(TxId oldest) {
  if (slots_.empty()) return;
  for (auto slot = slots_.begin(); slot != slots_.end();) {
    std::erase_if(slot->second, [oldest](const Span& span) {
      return span.until != TxId(0) && span.until <= oldest;
    });
    slot = slot->second.empty() ? slots_.erase(slot) : std::next(slot);
  }
}

BaseRef StuckBases::UnderNewest(uint32_t slot) const {
  if (slots_.empty()) return nullptr;
  const auto found = slots_.find(slot);
  if (found == slots_.end() || found->second.back().until != TxId(0)) return nullptr;
  return found->second.back().under;
}

BaseRef StuckBases::UnderReplaced(uint32_t slot, ShortTxId by) const {
  if (slots_.empty()) return nullptr;
  const auto found = slots_.find(slot);
  if (found == slots_.end()) return nullptr;
  for (const Span& span : found->second) {
    const bool is_after = span.until != TxId(0) && by.IsAfter(span.until);
    if (by.IsAfter(span.since) && !is_after) return span.under;
  }
  return nullptr;
}

}  // namespace trident
