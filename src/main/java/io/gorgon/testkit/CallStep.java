package io.gorgon.testkit;

import io.gorgon.message.Call;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A function is called. Immutable; each method gives a changed copy.
 *
 * @param name what the scenario calls it; the target, until it is told otherwise
 * @param call what is called with what
 * @param session the session it belongs to
 * @param checkout the checkout whose worker runs it
 */
public record CallStep(String name, Call call, Optional<String> session, Optional<String> checkout)
    implements Step {

  /** Names it, for what follows. */
  public CallStep as(String other) {
    return new CallStep(other, call, session, checkout);
  }

  /** Limits it, queueing included. */
  public CallStep within(Duration limit) {
    return new CallStep(name, call.withTimeout(limit), session, checkout);
  }

  /** Adds a keyword argument. */
  public CallStep with(String keyword, @Nullable Object value) {
    return new CallStep(name, call.with(keyword, value), session, checkout);
  }

  /** Allows it to run again so often. */
  public CallStep idempotent(int retries) {
    return new CallStep(name, call.idempotent(retries), session, checkout);
  }

  /** Makes it one of a session's. */
  public CallStep inSession(String key) {
    return new CallStep(name, call, Optional.of(key), checkout);
  }

  /** Has the worker of that checkout run it. */
  public CallStep on(String other) {
    return new CallStep(name, call, session, Optional.of(other));
  }

  @Override
  public void play(Play play) {
    play.send(this);
  }

  @Override
  public String toString() {
    return call.target()
        + call.arguments()
        + " is called as '"
        + name
        + "'"
        + call.timeout().map(limit -> " within " + limit.toMillis() + " ms").orElse("")
        + (call.retries() == 0 ? "" : ", idempotent (" + call.retries() + ")")
        + session.map(key -> " in session '" + key + "'").orElse("")
        + checkout.map(other -> " on '" + other + "'").orElse("");
  }
}
