package io.gorgon.message;

import io.gorgon.message.PythonFailure.PythonRaised;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * These are the Java exceptions that Python's become, by the names of Python's classes. A class
 * counts for those that inherit from it, unless they have one of their own: as with {@code except},
 * the nearest one catches. Immutable; each method gives another set.
 *
 * <pre>{@code
 * Exceptions exceptions = Exceptions.NONE
 *     .with("shop.OutOfStock", raised -> new OutOfStock(raised.exception().message(), raised))
 *     .with("LookupError", raised -> new NoSuchElementException(raised.exception().message()));
 * }</pre>
 */
public final class Exceptions {

  /** No exceptions: all stay {@link PythonRaised}. */
  public static final Exceptions NONE = new Exceptions(Map.of());

  private final Map<String, Function<? super PythonRaised, ? extends RuntimeException>> byClass;

  private Exceptions(
      Map<String, Function<? super PythonRaised, ? extends RuntimeException>> byClass) {
    this.byClass = byClass;
  }

  /**
   * Adds a class, or replaces the one of that name.
   *
   * @param name with the module, {@code shop.OutOfStock}; one of Python's own may do without,
   *     {@code ValueError}
   * @param make makes a new exception, each time that it is asked to. What was raised becomes its
   *     cause, where it names none itself.
   * @throws IllegalArgumentException for an empty name
   */
  public Exceptions with(
      String name, Function<? super PythonRaised, ? extends RuntimeException> make) {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a Python class needs a name");
    }
    var more =
        new LinkedHashMap<String, Function<? super PythonRaised, ? extends RuntimeException>>(
            byClass);
    more.put(PythonException.qualified(name), make);
    return new Exceptions(Collections.unmodifiableMap(more));
  }

  /** Whether there are none. */
  public boolean isEmpty() {
    return byClass.isEmpty();
  }

  /**
   * Makes the Java exception of what was raised. Never throws: where a {@code make} does, that is a
   * suppressed exception of what was raised.
   *
   * @return {@code raised} itself where no class of it is known here
   */
  public RuntimeException translate(PythonRaised raised) {
    var make = find(raised.exception());
    if (make == null) {
      return raised;
    }
    try {
      RuntimeException made = make.apply(raised);
      return made == null
          ? raised.suppressing(new NullPointerException("made no exception of " + raised.type()))
          : caused(made, raised);
    } catch (Throwable broken) {
      return raised.suppressing(broken);
    }
  }

  private @Nullable Function<? super PythonRaised, ? extends RuntimeException> find(
      PythonException exception) {
    for (String name : exception.classes()) {
      var make = byClass.get(name);
      if (make != null) {
        return make;
      }
    }
    return null;
  }

  /** One that is among Python's own causes must not be tied in a circle. */
  private static RuntimeException caused(RuntimeException made, PythonRaised raised) {
    if (made.getCause() == null && !(made instanceof PythonFailure)) {
      try {
        made.initCause(raised);
      } catch (IllegalStateException refused) { // it was made with the cause null
        made.addSuppressed(raised);
      }
    }
    return made;
  }

  @Override
  public String toString() {
    return "Exceptions" + byClass.keySet();
  }
}
