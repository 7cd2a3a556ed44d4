// Methods of an object of C++ as functions of JavaScript.
#pragma once

#include <napi.h>

#include <memory>
#include <stdexcept>

#include "arguments.h"

namespace sluice {

// Returns set(name, method), which sets a method of `state` on `target`. The functions keep `state` alive; once it is `closed` each throws an Error.
template <typename State>
auto method_setter(Napi::Env env, Napi::Object target, const std::shared_ptr<State>& state) {
  using Method = Napi::Value (State::*)(const Napi::CallbackInfo&);
  return [env, target, state](const char* name, Method method) {
    const auto call = [state, method](const Napi::CallbackInfo& info) {
      return guarded(info, [&] {
        if (state->closed) throw std::runtime_error("the runtime is closed");
        return (state.get()->*method)(info);
      });
    };
    target.Set(name, Napi::Function::New(env, call, name));
  };
}

}  // namespace sluice
