// Arguments of calls from JavaScript, checked. What is wrong is thrown as a C++ exception and becomes a TypeError, RangeError or Error in guarded().
#pragma once

#include <napi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>

namespace sluice {

// A JavaScript exception is pending already; nothing is to be added.
struct PendingException {};

inline double number_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const Napi::Value value = info[index];
  double number;
  if (napi_get_value_double(info.Env(), value, &number) != napi_ok)
    throw std::invalid_argument("argument " + std::to_string(index + 1) + " must be a number");
  return number;
}

// An integer in [min, max]; max at most 2^53 - 1.
inline std::int64_t integer_argument(const Napi::CallbackInfo& info, std::size_t index, double min, double max) {
  const double number = number_argument(info, index);
  if (!(number >= min && number <= max) || number != std::floor(number))
    throw std::out_of_range("argument " + std::to_string(index + 1) + " must be an integer from " + std::to_string(static_cast<std::int64_t>(min)) +
                            " to " + std::to_string(static_cast<std::int64_t>(max)));
  return static_cast<std::int64_t>(number);
}

inline constexpr double kMaxSafeInteger = 9007199254740991.0;

// A handle: any number; one that is no handle is stale.
inline std::uint64_t handle_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const double number = number_argument(info, index);
  return number >= 0 && number <= kMaxSafeInteger && number == std::floor(number) ? static_cast<std::uint64_t>(number) : 0;
}

inline std::string string_argument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsString()) throw std::invalid_argument("argument " + std::to_string(index + 1) + " must be a string");
  return info[index].As<Napi::String>().Utf8Value();
}

struct Doubles {
  double* data;
  std::size_t length;
};

inline Doubles doubles_argument(const Napi::CallbackInfo& info, std::size_t index, std::size_t at_least) {
  napi_typedarray_type type;
  std::size_t length;
  void* data;
  if (napi_get_typedarray_info(info.Env(), info[index], &type, &length, &data, nullptr, nullptr) != napi_ok || type != napi_float64_array)
    throw std::invalid_argument("argument " + std::to_string(index + 1) + " must be a Float64Array");
  if (length < at_least) throw std::out_of_range("argument " + std::to_string(index + 1) + " must have room for " + std::to_string(at_least) + " numbers");
  return {static_cast<double*>(data), length};
}

struct Bytes {
  const std::uint8_t* data;
  std::size_t length;
};

inline Bytes bytes_argument(const Napi::CallbackInfo& info, std::size_t index) {
  napi_typedarray_type type;
  std::size_t length;
  void* data;
  if (napi_get_typedarray_info(info.Env(), info[index], &type, &length, &data, nullptr, nullptr) != napi_ok || type != napi_uint8_array)
    throw std::invalid_argument("argument " + std::to_string(index + 1) + " must be a Uint8Array");
  return {static_cast<const std::uint8_t*>(data), length};
}

inline Napi::Object options_argument(const Napi::CallbackInfo& info, std::size_t index) {
  if (!info[index].IsObject()) throw std::invalid_argument("options must be an object");
  return info[index].As<Napi::Object>();
}

// A number field of an options object, limited to [min, max].
inline std::int64_t option(const Napi::Object& options, const char* name, double min, double max) {
  const Napi::Value value = options.Get(name);
  if (value.IsEmpty()) throw PendingException{};
  if (!value.IsNumber()) throw std::invalid_argument(std::string("option ") + name + " must be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (std::isnan(number)) throw std::invalid_argument(std::string("option ") + name + " must be a number");
  return static_cast<std::int64_t>(std::clamp(number, min, max));
}

// Runs a call; no C++ exception passes it. Throwing may fail, while a worker is terminated: then nobody is left to be told.
template <typename Call>
Napi::Value guarded(const Napi::CallbackInfo& info, Call&& call) {
  const Napi::Env env = info.Env();
  try {
    return call();
  } catch (const PendingException&) {
  } catch (const std::invalid_argument& error) {
    napi_throw_type_error(env, nullptr, error.what());
  } catch (const std::out_of_range& error) {
    napi_throw_range_error(env, nullptr, error.what());
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return Napi::Value();
}

}  // namespace sluice
