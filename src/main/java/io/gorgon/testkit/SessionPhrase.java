package io.gorgon.testkit;

import io.gorgon.message.PythonFailure.SessionExpired;
import io.gorgon.message.Values;
import io.gorgon.session.SessionState;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A session: what it had, and what it has. Checks wait for the scenario's calls of that session,
 * and look at what its store keeps then, whether that is away or not.
 */
public final class SessionPhrase {

  private final String key;

  SessionPhrase(String key) {
    this.key = key;
  }

  // ---- what happens

  /**
   * It was kept with these values, by somebody else: as the next version, with no others. Before
   * its first call that is what it starts from; behind one it makes the next commit a conflict.
   */
  public Step wasKeptWith(Map<String, ? extends @Nullable Object> values) {
    return new StoreStep.Keep(key, values);
  }

  /** It ends, behind its calls. */
  public Step ends() {
    return new StoreStep.End(key);
  }

  // ---- what must be so

  /** The value of that name is this one, as JSON compares. */
  public Check has(String name, @Nullable Object value) {
    return kept(
        "has " + name + " = " + value,
        (state, text) -> {
          Map<String, ? extends @Nullable Object> values = values(state);
          if (!values.containsKey(name) || !json(values.get(name)).equals(json(value))) {
            throw new AssertionError("expected " + name + " = " + value + ", and " + text);
          }
        });
  }

  /** There is no value of that name. */
  public Check hasNo(String name) {
    return kept(
        "has no " + name,
        (state, text) -> {
          if (values(state).containsKey(name)) {
            throw new AssertionError("expected no " + name + ", and " + text);
          }
        });
  }

  /** It has been kept so often, from its beginning; 0 if it is not kept. */
  public Check hasVersion(long version) {
    return kept(
        "has version " + version,
        (state, text) -> {
          if (state.map(SessionState::version).orElse(0L) != version) {
            throw new AssertionError("expected version " + version + ", and " + text);
          }
        });
  }

  /** Nothing is kept of it. */
  public Check isGone() {
    return hasVersion(0);
  }

  /** Its time to live is over: whoever asks for its state is told {@code SessionExpired}. */
  public Check isExpired() {
    return new Check() {
      @Override
      public void hold(Play play) {
        play.endedOf(key);
        play.kit().failure(play.kit().pool().session(key).state()).is(SessionExpired.class);
      }

      @Override
      public String toString() {
        return "session '" + key + "' has expired";
      }
    };
  }

  private static Map<String, ? extends @Nullable Object> values(Optional<SessionState> state) {
    return state.isPresent() ? state.get().decoded() : Map.of();
  }

  private static String json(@Nullable Object value) {
    return Values.mapper().valueToTree(value).toString();
  }

  private Check kept(String text, BiConsumer<Optional<SessionState>, String> so) {
    return new Kept(key, text, so);
  }

  private record Kept(String key, String text, BiConsumer<Optional<SessionState>, String> so)
      implements Check {
    @Override
    public void hold(Play play) {
      play.endedOf(key);
      Optional<SessionState> state = play.kit().get(play.kit().store().kept(key));
      String is =
          state.isEmpty()
              ? "nothing is kept of it"
              : "it has version " + state.get().version() + " with " + state.get().decoded();
      so.accept(state, is);
    }

    @Override
    public String toString() {
      return "session '" + key + "' " + text;
    }
  }
}
