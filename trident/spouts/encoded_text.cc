// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/encoded_text.h"

#include <algorithm>
#include <utility>

#include "trident/spouts/packed_text.h"
#include "trident/spouts/utf16_text.h"

namespace trident {
namespace {

struct Magic {
  std::string_view bytes;
  TextEncoding encoding;
};
constexpr Magic kMagics[] = {{"\x1f\x8b", TextEncoding::kGzip},
                             {"\x28\xb5\x2f\xfd", TextEncoding::kZstd},
                             {"\xff\xfe", TextEncoding::kUtf16LittleEndian},
                             {"\xfe\xff", TextEncoding::kUtf16BigEndian}};
// A zstd file may begin with a frame that is skipped: 0x50 to 0x5f, and these.
constexpr std::string_view kSkippableBehindFirst = "\x2a\x4d\x18";

}  // namespace

TextEncoding EncodingOf(std::string_view head) {
  bool is_decided = !head.empty();
  for (const Magic& magic : kMagics) {
    if (head.starts_with(magic.bytes)) return magic.encoding;
    if (magic.bytes.starts_with(head)) is_decided = false;
  }
  if (!head.empty() && (head[0] & 0xf0) == 0x50) {
    const std::string_view behind = head.substr(1);
    if (behind.starts_with(kSkippableBehindFirst)) return TextEncoding::kZstd;
    if (kSkippableBehindFirst.starts_with(behind)) is_decided = false;
  }
  return is_decided ? TextEncoding::kPlain : TextEncoding::kUndecided;
}

std::shared_ptr<EncodedText> NewEncodedText(TextEncoding encoding, const std::string& path) {
  if (IsUtf16(encoding)) return std::make_shared<Utf16Text>(encoding);
  return std::make_shared<PackedText>(encoding, path);
}

}  // namespace trident
