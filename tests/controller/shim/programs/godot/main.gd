extends Node

# Says what the first pad is, once it is there, and then each change of what it shows.

var before = null


func _process(_delta):
	if not Input.get_connected_joypads().size():
		return
	var now = [Input.is_joy_known(0), Input.is_joy_button_pressed(0, JOY_XBOX_A),
			Input.is_joy_button_pressed(0, JOY_START), Input.is_joy_button_pressed(0, JOY_DPAD_LEFT),
			stepify(Input.get_joy_axis(0, JOY_AXIS_0), 0.1)]
	if now != before:
		before = now
		printerr("pad ", JSON.print(now)) # what it prints plainly waits for its end
	if Input.is_joy_button_pressed(0, JOY_XBOX_B):
		get_tree().quit()
