// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/json.h"

#include <cmath>
#include <vector>

#include "base/utf8.h"

namespace trident {
namespace {

void AppendEscaped(std::string& out, unsigned char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  if (byte == '"' || byte == '\\') {
    out += '\\';
    out += static_cast<char>(byte);
  } else if (byte == '\n') {
    out += "\\n";
  } else if (byte == '\t') {
    out += "\\t";
  } else if (byte < 0x20) {
    out += "\\u00";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xf];
  } else {
    out += static_cast<char>(byte);
  }
}

std::string UserJson(const Datum::User& user) {
  return JsonObject()
      .Add("type", JsonText(user.type_name))
      .Add("text", JsonText(user.text))
      .Add("encoded", JsonText(ToString(Datum{OwnedBytes{user.encoded}})))
      .Done();
}

}  // namespace

std::string JsonText(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t valid = ValidUtf8Prefix(text);
    for (char c : text.substr(0, valid)) AppendEscaped(out, static_cast<unsigned char>(c));
    text.remove_prefix(valid);
    if (text.empty()) break;
    out += "\xef\xbf\xbd";
    text.remove_prefix(1);
  }
  return out + "\"";
}

std::string JsonNumber(uint64_t number) { return std::to_string(number); }

std::string JsonOf(const Datum& value) {
  const std::string text = ToString(value);
  if (value.is_null() || std::holds_alternative<bool>(value.value) ||
      std::holds_alternative<int64_t>(value.value)) {
    return text;
  }
  if (const auto* number = std::get_if<double>(&value.value)) {
    return std::isfinite(*number) ? text : JsonText(text);
  }
  if (const auto* list = std::get_if<std::vector<Datum>>(&value.value)) return JsonOf(*list);
  if (const auto* user = std::get_if<Datum::User>(&value.value)) return UserJson(*user);
  return JsonText(text);
}

std::string JsonOf(std::span<const Datum> values) {
  std::vector<std::string> elements;
  for (const Datum& value : values) elements.push_back(JsonOf(value));
  return JsonArray(elements);
}

std::string JsonArray(std::span<const std::string> elements) {
  std::string out = "[";
  for (const std::string& element : elements) {
    if (out.size() > 1) out += ',';
    out += element;
  }
  return out + "]";
}

JsonObject& JsonObject::Add(std::string_view name, std::string_view value) {
  if (out_.size() > 1) out_ += ',';
  out_ += JsonText(name);
  out_ += ':';
  out_ += value;
  return *this;
}

}  // namespace trident
