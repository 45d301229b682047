{% test between(model, column_name, least, most=none) %}
-- Values outside of the range. Null is within it.
select {{ column_name }}
from {{ model }}
where {{ column_name }} < {{ least }}{% if most is not none %} or {{ column_name }} > {{ most }}{% endif %}
{% endtest %}
