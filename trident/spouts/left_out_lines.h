// SPDX-License-Identifier: Apache-2.0
//
// LeftOutLines: how many lines of which files were left out, in words.
#ifndef TRIDENT_TRIDENT_SPOUTS_LEFT_OUT_LINES_H_
#define TRIDENT_TRIDENT_SPOUTS_LEFT_OUT_LINES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace trident {

inline constexpr std::string_view kCountsLater = "each counts once its end is written";
inline constexpr std::string_view kCountedAgain =
    "a line counts again here in each attempt of its batch";

class LeftOutLines {
 public:
  void Add(const std::string& file, uint64_t lines) {
    if (lines == 0) return;
    lines_ += lines;
    if (++files_ > kFilesNamed) return;
    names_ += Concat(files_ == 1 ? "\"" : ", \"", file, "\"");
    if (lines > 1) names_ += Concat(" (", lines, ")");
  }
  bool empty() const { return lines_ == 0; }
  // "2 lines left out, of "a", "b" (...)".
  std::string ToString(std::string_view how, std::string_view remark) const {
    std::string out = Concat(lines_, lines_ == 1 ? " line " : " lines ", how, " ", names_);
    if (files_ > kFilesNamed) out += Concat(" and ", files_ - kFilesNamed, " more files");
    return Concat(out, " (", remark, ")");
  }

 private:
  static constexpr uint64_t kFilesNamed = 3;
  uint64_t lines_ = 0;
  uint64_t files_ = 0;
  std::string names_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_LEFT_OUT_LINES_H_
