// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/console.h"

#include <algorithm>

#include "base/utf8.h"

namespace trident {
namespace {

ExitCode ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return ExitCode::kOk;
    case StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case StatusCode::kUnavailable:
      return ExitCode::kUnreachable;
    case StatusCode::kDataLoss:
      return ExitCode::kDamaged;
    default:
      return ExitCode::kFailed;
  }
}

void AppendEscaped(std::string& out, unsigned char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 0xf];
  }
}

// Characters, as a terminal counts most of them: bytes that continue a UTF-8 character count
// nothing.
size_t Columns(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

}  // namespace

ExitCode Report(Console& console, const Status& status) {
  if (!status.ok()) console.err << "trident: " << OneLine(Message(status)) << "\n";
  return ExitCodeOf(status);
}

std::string OneLine(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t valid = ValidUtf8Prefix(text);
    for (char c : text.substr(0, valid)) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f) {
        AppendEscaped(out, byte);
      } else {
        out += c;
      }
    }
    text.remove_prefix(valid);
    if (text.empty()) break;
    AppendEscaped(out, static_cast<unsigned char>(text.front()));
    text.remove_prefix(1);
  }
  return out;
}

std::string OneLine(const Datum& value) { return OneLine(ToString(value)); }

std::string TabbedLine(std::span<const Datum> values) {
  std::string out;
  for (const Datum& value : values) {
    if (&value != values.data()) out += '\t';
    out += OneLine(value);
  }
  return out;
}

std::string TableText(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Columns(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - Columns(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace trident
