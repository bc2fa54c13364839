// SPDX-License-Identifier: Apache-2.0
//
// A fragment: the redo sections of one txid from one executor, framed one after the other in a
// string, so that fragments are joined by appending. The redo record of the txid is made of all of
// them.
//
//   kind u32, owner u32, partition u32, count u32, length u64, content        all little-endian
#ifndef TRIDENT_STATE_REDO_REDO_FRAGMENT_H_
#define TRIDENT_STATE_REDO_REDO_FRAGMENT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "state/redo/redo_record.h"

namespace trident {

// Opens a section at the end of a fragment; its content is whatever is appended until End.
class RedoFragmentSection {
 public:
  RedoFragmentSection(std::string& fragment, const RedoSectionId& id);
  void End(uint32_t count);

 private:
  std::string& fragment_;
  size_t at_;
};

// Adds the sections of `fragment` to a record. REQUIRES: it is a fragment.
void AddFragment(RedoRecordBuilder& record, std::string_view fragment);

struct BuiltRedo {
  std::string record;
  uint64_t changes = 0;   // as the writers of its sections count them
  uint64_t checksum = 0;  // RedoChecksum(record)
};
// The record of all fragments.
BuiltRedo BuildRedo(const RedoHeader& header, std::span<const std::string> fragments);

}  // namespace trident

#endif  // TRIDENT_STATE_REDO_REDO_FRAGMENT_H_
