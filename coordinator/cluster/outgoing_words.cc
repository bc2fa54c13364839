// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/outgoing_words.h"

#include <utility>

#include "base/check.h"
#include "base/limits.h"

namespace trident {

bool OutgoingWords::Add(std::string message) {
  const auto size = static_cast<int64_t>(message.size());
  if (bytes_ + size > bytes_max_) return false;
  bytes_ += size;
  waiting_.push_back(std::move(message));
  return true;
}

std::string OutgoingWords::Take() {
  TRIDENT_CHECK(!waiting_.empty());
  std::string out = std::move(waiting_.front());
  waiting_.pop_front();
  while (!waiting_.empty() &&
         static_cast<int64_t>(out.size() + waiting_.front().size()) <= kControlSharedBytesMax) {
    out += waiting_.front();
    waiting_.pop_front();
  }
  bytes_ -= static_cast<int64_t>(out.size());
  return out;
}

void OutgoingWords::Clear() {
  waiting_.clear();
  bytes_ = 0;
}

}  // namespace trident
