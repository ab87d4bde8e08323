package io.gorgon.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives tests a pool over real Python: {@link GorgonTestKit#real}. On a class, its tests share one;
 * on a test, that test has its own. It is closed behind the class, or the test, which fails if
 * something was left over. What can be injected: see {@link GorgonExtension}.
 *
 * <pre>{@code
 * @RealPython(config = "path = [\"src/main/python\"]")
 * class ShopTest {
 *   @Test void sells(PythonPool pool) { ... }
 * }
 * }</pre>
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@ExtendWith(GorgonExtension.class)
public @interface RealPython {

  /** Lines of config, keys of {@code gorgon.pools.NAME}. */
  String[] config() default {};
}
