// SPDX-License-Identifier: Apache-2.0
//
// What the writer and the reader of frames share; docs/frame_format.md explains it.
#ifndef TRIDENT_ENGINE_FRAMES_FRAME_FORMAT_H_
#define TRIDENT_ENGINE_FRAMES_FRAME_FORMAT_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "engine/data/column.h"

namespace trident::frame_format {

inline constexpr char kVersion = 1;
inline constexpr size_t kChecksumBytes = 8;
// Version, kind of keys, fingerprint, a varint of rows, checksum.
inline constexpr size_t kFrameBytesMin = 1 + 1 + 8 + 1 + kChecksumBytes;

enum KeysKind : char {
  kNoKeys = 0,
  kKeysAreColumn = 1,  // the keys are the values of one text or bytes column
  kKeysApart = 2,      // they are written behind the columns
};

inline bool IsStrings(const TypeInfo& type) {
  return type.kind == TypeKind::kText || type.kind == TypeKind::kBytes;
}

// The values of a text or bytes column.
inline std::vector<std::string_view> StringsOf(const Column& column) {
  if (column.type().kind == TypeKind::kText) {
    const auto values = As<Text>(column).values();
    return {values.begin(), values.end()};
  }
  std::vector<std::string_view> strings;
  for (Bytes bytes : As<Bytes>(column).values()) strings.push_back(bytes.view);
  return strings;
}

}  // namespace trident::frame_format

#endif  // TRIDENT_ENGINE_FRAMES_FRAME_FORMAT_H_
