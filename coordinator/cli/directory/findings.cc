// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/findings.h"

namespace trident {

std::string WithoutAdvice(std::string_view text) {
  while (text.ends_with(kRestoreAdvice)) text.remove_suffix(kRestoreAdvice.size());
  return std::string(text);
}

void Findings::AddDamage(std::string_view where, std::string_view what) {
  ++damage_count_;
  if (damage_.size() < kKeptMax) damage_.push_back(Concat(where, ": ", what));
}

void Findings::Add(std::string_view where, const Status& error) {
  if (error.ok()) return;
  if (error.code() == StatusCode::kDataLoss) {
    AddDamage(where, Message(error));
  } else if (obstacle_.ok()) {
    obstacle_ = Annotate(error, where);
  }
}

Status Findings::ToStatus() const {
  if (damage_count_ == 0) return obstacle_;
  const std::string first = WithoutAdvice(damage_.front());
  const std::string more =
      damage_count_ == 1
          ? std::string()
          : Concat("; ", damage_count_ - 1, " more like this, which `trident state verify` lists");
  return DataLoss(first, more, kRestoreAdvice);
}

}  // namespace trident
