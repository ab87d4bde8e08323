package io.gorgon.dspy;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * This is one input or output of a program, or one argument of a tool.
 *
 * @param name a Python name
 * @param type {@code str}, {@code int}, {@code float}, {@code bool}, {@code list[str]}, {@code
 *     dict[str, int]}, {@code Literal['a', 'b']}, {@code int | None}, or the dotted name of a
 *     class: {@code shop.Order}; text if empty
 * @param description what the model is told of it
 */
public record Field(String name, Optional<String> type, Optional<String> description) {

  /** A text. */
  public static Field of(String name) {
    return new Field(name, Optional.empty(), Optional.empty());
  }

  /** Of a type. */
  public static Field of(String name, String type) {
    return new Field(name, Optional.of(type), Optional.empty());
  }

  /** The same, described. */
  public Field describedAs(String text) {
    return new Field(name, type, Optional.of(text));
  }

  Map<String, @Nullable Object> wire() {
    var all = new LinkedHashMap<String, @Nullable Object>();
    all.put("name", name);
    type.ifPresent(text -> all.put("type", text));
    description.ifPresent(text -> all.put("description", text));
    return all;
  }
}
