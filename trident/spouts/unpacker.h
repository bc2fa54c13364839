// SPDX-License-Identifier: Apache-2.0
//
// Unpacker: one pass through a compressed file.
#ifndef TRIDENT_TRIDENT_SPOUTS_UNPACKER_H_
#define TRIDENT_TRIDENT_SPOUTS_UNPACKER_H_

#include <memory>
#include <span>
#include <string_view>

#include "base/status.h"
#include "trident/spouts/encoded_text.h"

namespace trident {

// Not thread-safe. A file is a sequence of parts (gzip: members, zstd: frames), one text together.
class Unpacker {
 public:
  virtual ~Unpacker() = default;
  // Unpacks some of `in`, which it makes shorter by that, into `out`; tells how many bytes it made.
  // It stops at the end of a part. If it neither takes nor makes anything, it needs more input.
  // The message of an error says why the input cannot be unpacked.
  virtual StatusOr<size_t> Unpack(std::string_view& in, std::span<char> out) = 0;
  // It stands between two parts: the file may end here.
  virtual bool IsBetween() const = 0;
  // One that goes on from the same place; null if there can be none here.
  virtual std::unique_ptr<Unpacker> Copy() const = 0;
};

// kGzip or kZstd. ResourceExhausted: there is no memory for it.
StatusOr<std::unique_ptr<Unpacker>> NewUnpacker(TextEncoding encoding);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_UNPACKER_H_
