// SPDX-License-Identifier: Apache-2.0
//
// The record of a simulated topology that says which epoch there is, changed by compare-and-set
// alone.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_EPOCH_STORE_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_EPOCH_STORE_H_

#include <functional>
#include <utility>

#include "coordinator/protocol/epoch_words.h"

namespace trident::model {

class EpochStore {
 public:
  // `changed` sees each record at the moment at which it counts.
  EpochStore(EpochRecord first, std::function<void(const EpochRecord&)> changed)
      : record_(std::move(first)), changed_(std::move(changed)) {}

  const EpochRecord& Read() const { return record_; }
  bool CompareAndSet(const EpochRecord& expected, const EpochRecord& next) {
    if (record_ != expected) return false;
    record_ = next;
    changed_(record_);
    return true;
  }

 private:
  EpochRecord record_;
  const std::function<void(const EpochRecord&)> changed_;
};

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_EPOCH_STORE_H_
